"""What a host's page rests on: the same as the audit, with nothing read that is not needed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.sidecar.record.test_annals import lived
from tests.waitroom.quarter import write_quarter
from waitroom.errors import WaitroomError
from waitroom.record.chronicle import Chronicle
from waitroom.record.history import tell
from waitroom.record.occurrence import Event, microseconds
from waitroom.record.past import Past
from waitroom.record.summary import Window
from waitroom.record.sums import summarise

TODAY = datetime(2026, 3, 20, 10, 30, tzinfo=UTC)
HOST = "app.test"


@pytest.mark.parametrize("day", ["2026-01-25", "2026-02-20", "2026-03-03"])
def test_a_host_has_the_history_that_the_audit_tells(day: str, tmp_path: Path) -> None:
    world, case = lived(5, tmp_path, days=50)
    window = Window(
        microseconds(datetime.fromisoformat(f"{day}T00:00Z")), world.wall(), world.wall()
    )
    audit = {s.host: s for s in summarise(Past(tmp_path, Event).events, window, {})}
    chronicle = Chronicle(tmp_path)
    for host, summary in audit.items():
        history = tell(chronicle.of(host, day), host, window, None)
        assert history.summary == summary
        assert (
            sum(s.end_us - s.start_us for s in history.spans if s.state == "awake")
            == summary.awake_us
        )
        assert len(history.summary.took_s) == summary.wakes
    case.store.close()


def test_of_the_months_before_the_window_nothing_is_read(tmp_path: Path) -> None:
    write_quarter(tmp_path, HOST, TODAY)
    whole = Chronicle(tmp_path).of(HOST, "2026-03-01")
    for path in (tmp_path / "archive").glob("*.json"):
        if path.stem < "2026-03":
            path.write_text("not needed")
    assert Chronicle(tmp_path).of(HOST, "2026-03-01") == whole
    assert whole.opening


def test_a_closed_month_is_read_once_and_again_when_it_changes(tmp_path: Path) -> None:
    write_quarter(tmp_path, HOST, TODAY)
    chronicle = Chronicle(tmp_path)
    before = chronicle.of(HOST, "2026-02-01")
    path = tmp_path / "archive" / "2026-02.json"
    raw, stat = path.read_bytes(), path.stat()
    path.write_bytes(b" " * len(raw))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert chronicle.of(HOST, "2026-02-01") == before
    file = msgspec.json.decode(raw)
    file["events"].clear()
    path.write_bytes(msgspec.json.encode(file))
    assert len(chronicle.of(HOST, "2026-02-01").events) < len(before.events)


def test_what_a_month_saved_is_in_archive_and_newest_once(tmp_path: Path) -> None:
    write_quarter(tmp_path, HOST, TODAY)
    begin, end = datetime(2026, 3, 1, tzinfo=UTC), TODAY.replace(minute=0)
    window = Window(microseconds(begin), microseconds(end), microseconds(end))
    [summary] = summarise(Past(tmp_path, Event).events, window, {})
    asleep_s = Chronicle(tmp_path).asleep_s("2026-03")
    assert asleep_s == {HOST: pytest.approx(summary.asleep_us / 1e6)}
    assert timedelta(days=9) < timedelta(seconds=asleep_s[HOST]) < end - begin


def test_without_a_record_there_is_nothing(tmp_path: Path) -> None:
    told = Chronicle(tmp_path).of(HOST, "2026-03-01")
    window = Window(0, 10, 10)
    assert (told.events, tell(told, HOST, window, None).spans) == ((), [])
    assert Chronicle(tmp_path).asleep_s("2026-03") == {}


@pytest.mark.parametrize("damage", ["torn", "a folder", "the archive is a file", "the newest"])
def test_where_something_can_not_be_read_no_sums_are_told(damage: str, tmp_path: Path) -> None:
    write_quarter(tmp_path, HOST, TODAY)
    archive, path = tmp_path / "archive", tmp_path / "archive" / "2026-03.json"
    if damage == "torn":
        path.write_text("{")
    elif damage == "a folder":
        path.unlink()
        path.mkdir()
    elif damage == "the newest":
        path = tmp_path / "activity.json"
        path.write_bytes(b"\xff")
    else:
        archive.rename(tmp_path / "aside")
        path = archive
        path.write_text("no archive")
    chronicle = Chronicle(tmp_path)
    for ask in (lambda: chronicle.of(HOST, "2026-03-01"), lambda: chronicle.asleep_s("2026-03")):
        with pytest.raises(WaitroomError, match=str(path)):
            ask()


def test_the_record_begins_with_the_first_event_of_whatever_host(tmp_path: Path) -> None:
    events = {
        "1": {"at": "2026-03-01T00:00:00Z", "host": "other.test", "kind": "found_running"},
        "2": {"at": "2026-03-01T05:00:00Z", "host": HOST, "kind": "found_running"},
    }
    (tmp_path / "activity.json").write_bytes(msgspec.json.encode({"events": events}))
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    end_us = microseconds(begin + timedelta(days=1))
    window = Window(microseconds(begin), end_us, end_us)
    found = tell(Chronicle(tmp_path).of(HOST, "2026-03-01"), HOST, window, None).summary
    [_, audited] = reversed(summarise(Past(tmp_path, Event).events, window, {}))
    assert found == audited
    assert found.unknown_us == 5 * 3_600_000_000
