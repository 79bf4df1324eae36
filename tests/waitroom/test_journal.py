from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import pytest

import waitroom.journal
from waitroom.journal import Journal, JournalError
from waitroom.waking.history import History


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


def test_what_was_in_the_way_of_the_last_line_is_said_until_it_is_gone(tmp_path: Path) -> None:
    now_s = 0.0
    journal = Journal(tmp_path / "gone" / "journal.jsonl", clock_s=lambda: now_s)
    journal.demand()
    with pytest.raises(JournalError):
        journal.append("woken", "app.test")
    journal.path.parent.mkdir()
    with pytest.raises(JournalError, match="can't be written: No such file"):
        journal.demand()  # it was tried only just now
    now_s = 1.0
    journal.demand()
    assert list(journal.events()) == []


def numbers(journal: Journal) -> list[int]:
    return [event["number"] for event in journal.events()]


def test_a_long_journal_is_put_aside_once_the_one_before_it_is_not_asked_for_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitroom.journal, "_LONG_BYTES", 500)
    journal = Journal(tmp_path / "journal.jsonl")
    older = tmp_path / "journal.jsonl.1"
    for number in range(50):
        journal.append("woken", "app.test", number=number)
    first = older.read_bytes()
    assert 500 <= len(first) < 1000
    assert numbers(journal) == numbers(Journal(journal.path)) == list(range(50))

    os.utime(older, (0, time.time() - 86400))  # the budgets of today still ask for it
    journal.append("woken", "app.test", number=50)
    assert older.read_bytes() == first
    os.utime(older, (0, time.time() - 3 * 86400))
    journal.append("woken", "app.test", number=51)
    assert numbers(journal)[-2:] == [50, 51]
    assert len(journal.path.read_bytes().splitlines()) == 1
    assert first not in older.read_bytes()


def test_half_a_line_is_not_parted_from_what_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitroom.journal, "_LONG_BYTES", 10)
    path = tmp_path / "journal.jsonl"
    path.write_text('{"at":"2026-01-01T00')
    journal = Journal(path)
    journal.append("woken", "app.test", number=1)
    assert not (tmp_path / "journal.jsonl.1").exists()
    journal.append("woken", "app.test", number=2)
    assert (tmp_path / "journal.jsonl.1").exists()
    assert numbers(journal) == [1, 2]


def test_a_journal_that_can_not_be_put_aside_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitroom.journal, "_LONG_BYTES", 1)
    (tmp_path / "journal.jsonl.1").mkdir()
    os.utime(tmp_path / "journal.jsonl.1", (0, 0))
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("woken", "app.test", number=1)
    journal.append("woken", "app.test", number=2)
    (tmp_path / "journal.jsonl.1").rmdir()
    assert numbers(journal) == [1, 2]


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
        f"{path}: 11 lines are not events and were skipped"
    ]
    history = History()
    for event in events:
        history.add(event)
    assert history.unfinished() == {}
    assert history.expected_s("b.test") is None
