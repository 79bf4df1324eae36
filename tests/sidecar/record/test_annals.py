"""A whole month through store and archive, with kills: what is told afterwards is what was true."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from sidecar.record.annals import Annals
from sidecar.record.archive import Archive
from sidecar.record.commits import Commits
from sidecar.record.store import Store
from tests.sidecar.world import HOUR, World
from waitroom.errors import WaitroomError
from waitroom.record.occurrence import Event, microseconds
from waitroom.record.past import Past
from waitroom.record.summary import Price, Window
from waitroom.record.sums import summarise

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

    def put(self, now: datetime, kill: str = "") -> None:
        """Put what is pending, as the recorder does; it may be killed before either commit."""
        archived = self.archived() if kill == "commit" else {}
        self.annals.put(msgspec.to_builtins(self.pending), now)
        if kill == "commit":
            assert self.archived() == archived  # what is not committed will be put anew
        else:
            self.store.commit()
            self.pending.clear()
            if self.annals.archive(now) and kill != "drop":
                self.annals.put([], now)
                self.store.commit()
        if kill:
            self.store.close()
            self.open()

    def archived(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "archive").glob("*.json")}

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


def lived(seed: int, folder: Path, days: int, clock: str = "right") -> tuple[World, Case]:
    """Let a world be recorded, with kills in between, up to the end of an hour."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    world, case, seen = World(seed, hosts=4, begin=START, clock=clock), Case(folder), 0
    while world.true_moment() < START + timedelta(days=days):
        world.run(world.true_moment() + timedelta(minutes=1))
        case.pending += world.events[seen:]
        seen = len(world.events)
        for kill in (*chance.choices(["commit", "drop", ""], [1, 1, 8]), ""):
            case.put(world.moment(), kill)
    world.set_right()
    case.pending += world.events[seen:]
    world.now_us += HOUR - world.wall() % HOUR
    case.put(world.moment() + timedelta(seconds=10))
    world.end()
    return world, case


def sums(spans: Iterable[tuple[str, int, int]], window: Window) -> dict[str, int]:
    """Return how much of each state lies in a window."""
    found = {"awake": 0, "asleep": 0, "unknown": 0}
    for state, start, end in spans:
        first, last = window.cut(start, end)
        found[state] += max(0, last - first)
    return found


Lived = Callable[[int, str], tuple[World, Case]]


@pytest.fixture(scope="module")
def a_month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Return how a world was recorded; nobody may change it."""
    known: dict[tuple[int, str], tuple[World, Case]] = {}

    def of(seed: int, clock: str) -> tuple[World, Case]:
        if (seed, clock) not in known:
            folder = tmp_path_factory.mktemp("month")
            known[seed, clock] = lived(seed, folder, days=31, clock=clock)
        return known[seed, clock]

    yield of
    for _, case in known.values():
        case.store.close()


@pytest.mark.parametrize("clock", ["right", "wrong"])
@pytest.mark.parametrize("seed", range(3))
def test_an_audit_of_a_month_tells_the_known_sums(seed: int, clock: str, a_month: Lived) -> None:
    world, case = a_month(seed, clock)
    past = Past(case.folder, Event)
    now = world.wall()
    window = Window(None, now, now)
    told = {s.host: s for s in summarise(past.events, window, dict.fromkeys(world.truth, PRICE))}
    assert not past.faults
    for host, truth in world.truth.items():
        mine = told[host]
        found = {"awake": mine.awake_us, "asleep": mine.asleep_us, "unknown": mine.unknown_us}
        assert found == truth.sums == sums(truth.spans, window)
        assert mine.wakes == truth.wakes
        assert mine.false_wakes == truth.false_wakes
        assert mine.sleeps_called_off == truth.called_off
        assert mine.failed_stops == truth.failed_stops
        assert mine.money_saved == PRICE.per_hour * truth.sums["asleep"] / HOUR
    assert len(list((case.folder / "archive").glob("*.json"))) >= 2


@pytest.mark.parametrize("clock", ["right", "wrong"])
@pytest.mark.parametrize("seed", range(3))
def test_every_window_has_what_was_true_in_it(seed: int, clock: str, a_month: Lived) -> None:
    world, case = a_month(seed, clock)
    begin, now, past = microseconds(START), world.wall(), Past(case.folder, Event)
    # An hour, a day, over the end of a month, a week, and up to now.
    for since, hours in ((100, 1), (24, 24), (11 * 24 + 22, 4), (200, 168), (290, 2000)):
        since_us = begin + since * HOUR
        window = Window(since_us, min(since_us + hours * HOUR, now), now)
        told = {s.host: s for s in summarise(past.events, window, {})}
        for host, truth in world.truth.items():
            mine = told[host]
            found = {"awake": mine.awake_us, "asleep": mine.asleep_us, "unknown": mine.unknown_us}
            assert found == sums(truth.spans, window)
            assert sum(found.values()) == window.until_us - since_us
            [alone] = summarise(past.events, window, {}, host=host)
            assert alone == mine


def told_by_hour(case: Case) -> Counter[tuple[str, str, int]]:
    """Return what the rows say; of a day whose hours are folded all is in its first."""
    told: Counter[tuple[str, str, int]] = Counter()
    for (host, day), row in case.rows().items():
        since = microseconds(datetime.fromisoformat(f"{day}T00:00Z"))
        for state in ("awake", "asleep"):
            seconds = row[f"{state}_s"]
            for hour, spent_s in enumerate(seconds if isinstance(seconds, list) else [seconds]):
                told[host, state, since + hour * HOUR] += round(spent_s * 1e6)
    return +told


def true_by(unit: int, world: World) -> Counter[tuple[str, str, int]]:
    true: Counter[tuple[str, str, int]] = Counter()
    for host, truth in world.truth.items():
        for state, start, end in truth.spans:
            for begin in range(start // unit * unit, end, unit):
                share = min(end, begin + unit) - max(start, begin)
                true[host, state, begin] += share if state != "unknown" else 0
    return +true


@pytest.mark.parametrize("seed", range(3))
def test_the_hours_of_a_month_add_up_to_the_same(seed: int, a_month: Lived) -> None:
    world, case = a_month(seed, "right")
    assert told_by_hour(case) == true_by(HOUR, world)


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_was_wrong_leaves_no_trace_in_the_days(seed: int, a_month: Lived) -> None:
    world, case = a_month(seed, "wrong")
    told: Counter[tuple[str, str, int]] = Counter()
    for (host, state, hour), spent_us in told_by_hour(case).items():
        told[host, state, hour - hour % (24 * HOUR)] += spent_us
    assert told == true_by(24 * HOUR, world)


@pytest.mark.parametrize("seed", range(3))
def test_no_hour_has_more_than_an_hour_however_the_clock_is_set(seed: int, a_month: Lived) -> None:
    world, case = a_month(seed, "set")
    told = told_by_hour(case)
    for host, truth in world.truth.items():
        known = truth.sums["awake"] + truth.sums["asleep"]
        assert sum(us for (name, _, _), us in told.items() if name == host) == known
    assert all(
        told[host, "awake", hour] + told[host, "asleep", hour] <= HOUR for host, _, hour in told
    )


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


def test_no_id_is_given_twice_when_activity_json_is_an_older_one(tmp_path: Path) -> None:
    case, older = Case(tmp_path), b""
    for day in (0, 1, 6):
        at = START + timedelta(days=day)
        case.pending = [{"at": at, "host": "a.test", "kind": "found_running"}]
        case.put(at)
        older = older or (tmp_path / "activity.json").read_bytes()
    case.store.close()
    (tmp_path / "activity.json").write_bytes(older)
    case.open()
    case.pending = [{"at": START + timedelta(days=7), "host": "a.test", "kind": "slept"}]
    case.put(START + timedelta(days=7))
    assert [event.at for event in Past(tmp_path, Event).events()] == [
        START + timedelta(days=day) for day in (0, 1, 7)
    ]
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


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
@pytest.mark.parametrize("kind", ["found_running", "watch_started", "clock_step"])
def test_an_event_at_the_end_of_dates_ends_nothing(at: str, kind: str, tmp_path: Path) -> None:
    case = Case(tmp_path)
    for host in ("a.test", "*"):
        case.pending.append({"at": at, "host": host, "kind": kind, "step_s": -1e300})
    case.pending.append({"at": START, "host": "a.test", "kind": "found_running"})
    case.put(START + timedelta(hours=2))
    case.put(START + timedelta(days=5))
    assert len(list(Past(tmp_path, dict[str, Any]).events())) == 3
    case.store.close()


def test_a_full_disk_is_said_with_the_name_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = Case(tmp_path)
    path = tmp_path / "archive" / "2026-01.json"
    path.parent.mkdir()
    path.with_name("2026-01.json.tmp").symlink_to("/dev/full")
    case.pending = [{"at": START, "host": "a.test", "kind": "slept"}]
    case.put(START + timedelta(days=5))
    assert f"{path}: the archive can't be kept, trying again in an hour: No space" in caplog.text
    (tmp_path / "activity.json.tmp").symlink_to("/dev/full")
    assert not Commits().take(case.store.commit, case.store.path)
    assert f"{case.store.path}: can't be written, trying again: No space left" in caplog.text
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
    window = Window(microseconds(datetime(2026, 3, 9, 12, tzinfo=UTC)), world.wall(), world.wall())
    past = Past(tmp_path, Event)
    whole = summarise(past.events, window, {})
    month, opening = past.opening("2026-03")
    assert month == "2026-03"
    assert opening
    for path in (tmp_path / "archive").glob("2026-0[12].json"):
        path.write_text("not needed")
    assert summarise(lambda: past.events(month, opening.last_id), window, {}, opening) == whole
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
