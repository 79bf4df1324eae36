from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from waitroom.history import History
from waitroom.journal import Journal, JournalError


def test_an_event_can_be_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("woken", "app.test", took_s=1.5)
    [event] = journal.events()
    assert (event["kind"], event["host"], event["took_s"]) == ("woken", "app.test", 1.5)
    assert event["at"].endswith("Z")


def test_half_a_line_of_a_killed_process_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"at":"2026-01-01T00:00:00Z","host":"a","kind":"woken"}\n{"at":"20')
    Journal(path).append("woken", "b.test")
    assert [event["host"] for event in Journal(path).events()] == ["a", "b.test"]


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    threads = [
        threading.Thread(target=journal.append, args=("woken", f"h{i}.test")) for i in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(journal.events())) == 20


def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / "gone" / "journal.jsonl").append("woken", "app.test")


def test_no_journal_yet_means_no_events(tmp_path: Path) -> None:
    assert list(Journal(tmp_path / "journal.jsonl").events()) == []


def test_lines_that_are_no_events_cost_one_warning_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.jsonl"
    bad = [
        '{"at":"yesterday","host":"a.test","kind":"wake_requested"}',
        '{"at":"2026-01-01T00:00:00","host":"a.test","kind":"wake_requested"}',
        '{"at":1,"host":"a.test","kind":"wake_requested"}',
        '{"at":"2026-01-01T00:00:00Z","host":["a.test"],"kind":"wake_requested"}',
        '{"at":"2026-01-01T00:00:00Z","host":"a.test","kind":null}',
        '{"at":"2026-01-01T00:00:00Z"}',
        "[1]",
        "[" * 9000,
        "\x00",
        "nonsense",
    ]
    path.write_text("\n".join(bad) + "\n")
    with path.open("ab") as file:
        file.write(b'{"at":"2026-01-01T00:00:00Z","host":"\xff","kind":"woken"}\n')
    journal = Journal(path)
    journal.append("woken", "b.test", took_s="long")
    with caplog.at_level(logging.WARNING):
        events = list(journal.events())
    assert [event["host"] for event in events] == ["b.test"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 11 lines are no events, passed over"
    ]
    history = History()
    for event in events:
        history.add(event)
    assert history.unfinished() == {}
    assert history.expected_s("b.test") is None
