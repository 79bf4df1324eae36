"""What is too old for activity.json: once in a file a month, whatever was killed meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tinydb import TinyDB

from sidecar.record.archive import Archive
from sidecar.record.hours import Hours
from waitroom.record.occurrence import Event
from waitroom.record.past import Past, in_order
from waitroom.record.rows import Row
from waitroom.record.standing import State

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def event(at: str, host: str = "a.test", kind: str = "woken") -> dict[str, Any]:
    return {"at": f"{at}T12:00:00Z", "host": host, "kind": kind}


def rows(*days: datetime) -> list[Row]:
    counted = Hours()
    for day in days:
        counted.count("a.test", int(day.timestamp()) // 3600 + 5, 3, 2)
        us = int(day.timestamp()) * 1_000_000
        counted.spend("a.test", State.AWAKE, us, us + 90_000_000)
    return counted.take_changed()


def table(folder: Path, month: str, name: str) -> list[dict[str, Any]]:
    with TinyDB(folder / "archive" / f"{month}.json", access_mode="r") as database:
        return [dict(document) for document in database.table(name)]


def test_each_event_goes_to_its_month(tmp_path: Path) -> None:
    events = {1: event("2026-01-31"), 2: event("2026-02-01"), 3: event("2026-01-01")}
    Archive(tmp_path).put(events, [], NOW)
    assert table(tmp_path, "2026-01", "events") == [events[1], events[3]]
    assert table(tmp_path, "2026-02", "events") == [events[2]]
    assert Archive(tmp_path).last_id() == 3


def test_to_put_the_same_again_changes_nothing(tmp_path: Path) -> None:
    old = rows(NOW - timedelta(days=3), NOW - timedelta(days=2))
    for _ in range(2):
        Archive(tmp_path).put({1: event("2026-02-27")}, old, NOW)
        found = (tmp_path / "archive" / "2026-02.json").read_bytes()
    Archive(tmp_path).put({2: event("2026-02-28")}, old[:1], NOW)
    Archive(tmp_path).put({1: event("2026-02-27")}, [], NOW)
    assert len(table(tmp_path, "2026-02", "events")) == 2
    assert msgspec.json.decode(found)["hours"] == {
        str(n): document for n, document in enumerate(table(tmp_path, "2026-02", "hours"), 1)
    }


def test_a_row_takes_the_place_of_the_one_that_was_recalled(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    day = NOW - timedelta(days=3)
    archive.put({}, rows(day), NOW)
    counted = Hours(recall=archive.recall)
    counted.count("a.test", int(day.timestamp()) // 3600, 1, 0)
    archive.put({}, counted.take_changed(), NOW)
    [document] = table(tmp_path, "2026-02", "hours")
    assert document["requests"][:6] == [1, 0, 0, 0, 0, 3]
    assert sum(document["awake_s"]) == 90.0


def test_hours_are_kept_for_ninety_days_and_then_their_sums(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    days = [NOW - timedelta(days=age) for age in (91, 90, 2)]
    archive.put({}, rows(*days), NOW)
    assert [d["day"] for d in table(tmp_path, "2025-12", "hours")] == ["2025-12-02"]
    [folded] = table(tmp_path, "2025-12", "days")
    assert folded == {"host": "a.test", "day": "2025-12-01", "requests": 3, "activity": 2,
                      "awake_s": 90.0, "asleep_s": 0.0}  # fmt: skip
    Archive(tmp_path).put({9: event("2026-03-01")}, [], NOW + timedelta(days=40))
    assert len(table(tmp_path, "2025-12", "days")) == 2
    assert not table(tmp_path, "2025-12", "hours")
    [recalled] = archive.recall("2025-12-02")
    assert sum(recalled.requests) == 3


def test_a_damaged_file_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "2026-02.json").write_bytes(b'{"events": {"1')
    Archive(tmp_path).put({2: event("2026-02-03")}, [], NOW)
    assert len(table(tmp_path, "2026-02", "events")) == 1
    [kept] = (tmp_path / "archive").glob("2026-02.json.damaged-*")
    assert kept.read_bytes() == b'{"events": {"1'


def test_all_is_read_in_the_order_of_recording_and_once(tmp_path: Path) -> None:
    events = {n: event(day) for n, day in enumerate(("2026-01-30", "2026-02-01", "2026-01-31"), 1)}
    Archive(tmp_path).put(events, [], NOW)
    now = {"events": {"2": events[2], "4": event("2026-03-01"), "1": events[1]}}
    (tmp_path / "activity.json").write_bytes(msgspec.json.encode(now))
    past = Past(tmp_path, Event)
    assert [each.at.day for each in past.events()] == [30, 1, 31, 1]
    assert not past.faults


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"events": {"x": {}}}'])
def test_what_is_damaged_is_named_and_the_rest_is_read(tmp_path: Path, damage: bytes) -> None:
    Archive(tmp_path).put({1: event("2026-01-30"), 2: event("2026-02-01")}, [], NOW)
    (tmp_path / "archive" / "2026-01.json").write_bytes(damage)
    past = Past(tmp_path, Event)
    assert len(list(past.events())) == 1
    [fault] = past.faults
    assert "2026-01.json" in fault


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    whole = {"events": {"1": event("2026-01-30"), "2": {"at": "yesterday", "host": 1}, "3": 4}}
    (tmp_path / "activity.json").write_bytes(msgspec.json.encode(whole))
    past = Past(tmp_path, Event)
    assert [each.kind for each in past.events()] == ["woken"]
    assert not past.faults


def test_an_event_that_was_recorded_later_is_read_later() -> None:
    batches = [{1: "a", 7: "g"}, {2: "b", 3: "c"}, {8: "h", 9: "i"}]
    assert "".join(in_order(batches)) == "abcghi"
