"""A whole month through store and archive, with kills: what is told afterwards is what was true."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from sidecar.record.annals import Annals
from sidecar.record.archive import Archive
from sidecar.record.store import Store
from tests.sidecar.world import HOUR, World
from waitroom.errors import WaitroomError
from waitroom.record.occurrence import Event, microseconds
from waitroom.record.past import Past
from waitroom.record.sums import Price, Window, summarise

START = datetime(2026, 1, 20, tzinfo=UTC)
SCHEMA = json.loads((Path(__file__).parents[3] / "sidecar" / "activity.schema.json").read_text())
PRICE = Price(Decimal("0.0335"), "USD")


class Case:
    """One data folder, and the process that writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending: list[dict[str, Any]] = []
        self.open()

    def open(self) -> None:
        self.store = Store(self.folder)
        self.annals = Annals(self.store, Archive(self.folder))
        self.annals.watch()

    def put(self, now: datetime, *, kill: bool = False) -> None:
        """Put what is pending; a process that is killed has put it in memory and archive only."""
        self.annals.put(msgspec.to_builtins(self.pending), now)
        if kill:
            self.store.close()
            self.open()
            return
        self.store.commit()
        self.pending.clear()

    def files(self) -> list[dict[str, Any]]:
        paths = [*sorted((self.folder / "archive").glob("*.json")), self.folder / "activity.json"]
        return [json.loads(path.read_bytes()) for path in paths]

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return each row once; that of activity.json is the newest."""
        tables = [(file.get("hours", {}), file.get("days", {})) for file in self.files()]
        return {
            (row["host"], row["day"]): row
            for hours, days in tables
            for row in [*hours.values(), *days.values()]
        }


def lived(seed: int, folder: Path, days: int) -> tuple[World, Case]:
    """Let a world be recorded, with kills in between, up to the end of an hour."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    world, case, seen = World(seed, hosts=4, begin=START), Case(folder), 0
    while world.wall() < microseconds(START + timedelta(days=days)):
        world.run(world.moment() + timedelta(minutes=1))
        case.pending += world.events[seen:]
        seen = len(world.events)
        for kill in (chance.random() < 0.2, False):
            case.put(world.moment(), kill=kill)
    world.now_us += HOUR - world.wall() % HOUR
    case.put(world.moment() + timedelta(seconds=10))
    world.end()
    return world, case


@pytest.mark.parametrize("seed", range(3))
def test_an_audit_of_a_month_tells_the_known_sums(seed: int, tmp_path: Path) -> None:
    world, case = lived(seed, tmp_path, days=31)
    past = Past(tmp_path, Event)
    window = Window(None, world.wall())
    told = {s.host: s for s in summarise(past.events(), window, dict.fromkeys(world.truth, PRICE))}
    assert not past.faults
    for host, truth in world.truth.items():
        mine = told[host]
        sums = {"awake": mine.awake_us, "asleep": mine.asleep_us, "unknown": mine.unknown_us}
        assert sums == truth.sums
        assert mine.wakes == truth.wakes
        assert mine.false_wakes == truth.false_wakes
        assert mine.sleeps_called_off == truth.called_off
        assert mine.failed_stops == truth.failed_stops
        assert mine.money_saved == PRICE.per_hour * truth.sums["asleep"] / HOUR
    assert len(list((tmp_path / "archive").glob("*.json"))) >= 2
    case.store.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_hours_of_a_month_add_up_to_the_same(seed: int, tmp_path: Path) -> None:
    world, case = lived(seed, tmp_path, days=31)
    told: Counter[tuple[str, str, int]] = Counter()
    for (host, day), row in case.rows().items():
        since = microseconds(datetime.fromisoformat(f"{day}T00:00Z"))
        for hour in range(24):
            for state in ("awake", "asleep"):
                told[host, state, since + hour * HOUR] += round(row[f"{state}_s"][hour] * 1e6)
    true: Counter[tuple[str, str, int]] = Counter()
    for host, truth in world.truth.items():
        for state, start, end in truth.spans:
            for hour in range(start // HOUR * HOUR, end, HOUR):
                share = min(end, hour + HOUR) - max(start, hour)
                true[host, state, hour] += share if state != "unknown" else 0
    assert +told == +true
    case.store.close()


def test_every_file_is_as_the_schema_says(tmp_path: Path) -> None:
    _, case = lived(7, tmp_path, days=120)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for file in case.files():
        validator.validate(file)
    assert any("days" in file and file["days"] for file in case.files())
    case.store.close()


def test_activity_json_stays_small_and_keeps_the_newest_of_each_kind(tmp_path: Path) -> None:
    world, case = lived(3, tmp_path, days=31)
    kept = list(json.loads((tmp_path / "activity.json").read_bytes())["events"].values())
    newest = {(event["host"], event["kind"]): event for event in msgspec.to_builtins(world.events)}
    assert all(event in kept for event in newest.values())
    yesterday = (world.moment().date() - timedelta(days=1)).isoformat()
    assert all(event["at"] >= yesterday or event in newest.values() for event in kept)
    hours = json.loads((tmp_path / "activity.json").read_bytes())["hours"].values()
    assert {row["day"] for row in hours} <= {yesterday, world.moment().date().isoformat()}
    case.store.close()


def test_ids_go_on_when_activity_json_is_lost(tmp_path: Path) -> None:
    _, case = lived(1, tmp_path, days=5)
    last = case.store.last_event
    case.store.close()
    (tmp_path / "activity.json").unlink()
    case.open()
    assert last * 0.5 < case.store.last_event <= last
    case.store.close()


def test_an_archive_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("in the way")
    store = Store(tmp_path)
    with pytest.raises(WaitroomError, match="archive"):
        Annals(store, Archive(tmp_path))
    store.close()


def test_an_archive_that_can_not_be_written_loses_nothing(tmp_path: Path) -> None:
    case = Case(tmp_path)
    in_the_way = tmp_path / "archive" / "2026-01.json.tmp"
    in_the_way.mkdir(parents=True)
    case.pending = [{"at": START, "host": "a.test", "kind": "slept"}] * 3
    case.put(START + timedelta(days=5))
    in_the_way.rmdir()
    assert len(json.loads((tmp_path / "activity.json").read_bytes())["events"]) == 3
    case.put(START + timedelta(days=5, hours=1))
    assert len(json.loads((tmp_path / "activity.json").read_bytes())["events"]) == 1
    assert len(list(Past(tmp_path, Event).events())) == 3
    case.store.close()


def test_events_of_days_ago_that_come_late_are_archived_too(tmp_path: Path) -> None:
    case = Case(tmp_path)
    for day in (0, 5):
        case.pending = [
            {"at": START + timedelta(minutes=day), "host": "a.test", "kind": "slept"}
        ] * 2
        case.put(START + timedelta(days=5 + day))
    assert len(json.loads((tmp_path / "activity.json").read_bytes())["events"]) == 1
    assert len(list(Past(tmp_path, Event).events())) == 4
    case.store.close()


@pytest.mark.parametrize("seed", range(4))
def test_who_asks_about_a_month_reads_none_before_it_and_learns_the_same(
    seed: int, tmp_path: Path
) -> None:
    world, case = lived(seed, tmp_path, days=75)
    window = Window(microseconds(datetime(2026, 3, 9, 12, tzinfo=UTC)), world.wall())
    past = Past(tmp_path, Event)
    whole = summarise(past.events(), window, {})
    month, opening = past.opening("2026-03")
    assert month == "2026-03"
    assert opening
    for path in (tmp_path / "archive").glob("2026-0[12].json"):
        path.write_text("not needed")
    assert summarise(past.events(month, opening.last_id), window, {}, opening) == whole
    assert not past.faults
    case.store.close()


def test_what_comes_late_takes_from_later_months_that_it_is_known_how_they_began(
    tmp_path: Path,
) -> None:
    case = Case(tmp_path)
    for day in (5, 15, 45):
        at = START + timedelta(days=day)
        case.pending = [{"at": at, "host": "a.test", "kind": "found_running"}]
        case.put(at + timedelta(days=2, hours=1))
    past = Past(tmp_path, Event)
    assert [past.opening(m)[0] for m in ("2026-01", "2026-02", "2026-03")] == [
        "",
        "2026-02",
        "2026-03",
    ]
    case.pending = [{"at": START + timedelta(days=16), "host": "a.test", "kind": "slept"}]
    case.put(START + timedelta(days=50))
    assert past.opening("2026-03")[0] == "2026-02"
    case.store.close()
