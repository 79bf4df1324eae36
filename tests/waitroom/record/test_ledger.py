"""When each host was awake, asleep, or nobody knows which: against a world that knows the truth."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sidecar.world import World
from waitroom.record.ledger import Ledger, State
from waitroom.record.occurrence import Event, microseconds

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = 60.0


class Told:
    """A ledger that is fed, and what it told in seconds."""

    def __init__(self, believed: Sequence[int] | None = None) -> None:
        self.spans: list[tuple[str, str, int, int]] = []
        self.ledger = Ledger(self.note, believed=believed)

    def note(self, host: str, state: State, start: int, end: int) -> None:
        self.spans.append((host, state.value, start, end))

    def add(self, minute: float, kind: str, host: str = "a", **fields: Any) -> None:
        event = Event(at=START + timedelta(minutes=minute), host=host, kind=kind, **fields)
        self.ledger.add(event, event.at_us())

    def again(self) -> None:
        """Another process goes on."""
        known = msgspec.json.decode(msgspec.json.encode(self.ledger.document()))
        self.ledger = Ledger(self.note, known)

    def minutes(self, until: float) -> dict[str, float]:
        self.ledger.close(microseconds(START + timedelta(minutes=until)))
        sums: Counter[str] = Counter()
        for _, state, start, end in self.spans:
            sums[state] += end - start
        return {state: us / 60e6 for state, us in sums.items()}


Steps = list[tuple[Any, ...]]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, "found_stopped"), (10, "wake_requested"), (12, "woken")], {"asleep": 10, "awake": 20}),
        ([(0, "found_running"), (10, "sleep_started"), (12, "slept")], {"awake": 12, "asleep": 18}),
        ([(0, "found_running"), (10, "sleep_started"), (12, "stop_failed")], {"awake": 30}),
        ([(0, "found_stopped"), (10, "found_running")], {"asleep": 10, "awake": 20}),
        ([(0, "found_stopped"), (10, "sleep_started")], {"asleep": 10, "awake": 20}),
        ([(0, "found_stopped"), (10, "wake_requested"), (12, "wake_failed", "quota")], {"asleep": 30}),
        ([(0, "found_stopped"), (10, "wake_requested"), (12, "wake_failed", "timeout")], {"asleep": 10, "unknown": 20}),
        ([(0, "found_stopped"), (10, "wake_requested")], {"asleep": 10, "unknown": 20}),
        ([(0, "found_stopped"), (10, "wake_requested"), (20, "found_stopped")], {"asleep": 20, "unknown": 10}),
        ([(0, "found_stopped"), (10, "wake_requested"), (20, "sleep_started")], {"asleep": 10, "awake": 20}),
        ([(0, "found_running"), (10, "sleep_started"), (11, "wake_requested"), (12, "slept"), (13, "woken")], {"awake": 30}),
        ([(0, "found_running"), (10, "sleep_started"), (11, "wake_requested"), (12, "slept"), (13, "wake_failed", "quota")], {"awake": 12, "asleep": 18}),
        ([(0, "sleep_called_off", "connections")], {"awake": 30}),
        ([(0, "sleep_called_off", "not_known")], {"unknown": 30}),
        ([(0, "wake_refused"), (10, "woken")], {"unknown": 10, "awake": 20}),
    ],
)  # fmt: skip
def test_what_the_events_say(steps: Steps, expected: dict[str, float]) -> None:
    told = Told()
    for minute, kind, *reason in steps:
        told.add(minute, kind, reason=reason[0] if reason else None)
        told.again()
    assert told.minutes(30) == expected


def test_a_host_that_did_the_same_before_and_after_nobody_watched_did_so_meanwhile() -> None:
    told = Told()
    told.add(0, "found_stopped")
    told.add(60, "watch_started", "*", unwatched_s=50 * MINUTE)
    told.add(61, "wake_requested")
    told.add(62, "woken")
    assert told.minutes(100) == {"asleep": 61, "awake": 39}


@pytest.mark.parametrize(("minute", "unknown"), [(61, 51), (80, 0)])
def test_what_nobody_watched_is_unknown_if_the_host_is_found_otherwise_soon_after(
    minute: float, unknown: float
) -> None:
    told = Told()
    told.add(0, "found_stopped")
    told.add(60, "watch_started", "*", unwatched_s=50 * MINUTE)
    told.add(minute, "found_running")
    sums = told.minutes(100)
    assert sums.get("unknown", 0) == unknown
    assert sums["awake"] == 100 - minute


def test_what_the_other_process_recorded_meanwhile_is_known() -> None:
    told = Told()
    told.add(0, "found_running")
    told.add(30, "woken")
    told.add(60, "watch_started", "*", unwatched_s=50 * MINUTE)
    told.add(61, "found_stopped")
    assert told.minutes(100) == {"awake": 30, "unknown": 31, "asleep": 39}


def test_a_wake_that_fails_long_after_nobody_watched_says_nothing_of_that_time() -> None:
    told = Told()
    told.add(0, "found_running")
    told.add(10, "watch_started", "*", unwatched_s=5 * MINUTE)
    told.add(12, "wake_requested")
    told.add(40, "wake_failed", reason="timeout")
    assert told.minutes(50) == {"awake": 12, "unknown": 38}


def test_a_stop_whose_end_nobody_saw_is_unknown_until_it_is_looked_at() -> None:
    told = Told()
    told.add(0, "found_running")
    told.add(10, "sleep_started")
    told.add(30, "watch_started", "*", unwatched_s=19 * MINUTE)
    told.add(31, "found_stopped")
    assert told.minutes(41) == {"awake": 11, "unknown": 20, "asleep": 10}


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0, 86400.0])
def test_a_span_is_as_long_as_it_was_and_what_the_clock_skipped_is_unknown(step_s: float) -> None:
    told = Told()
    told.add(0, "found_running")
    told.add(10 + step_s / 60, "clock_step", "*", step_s=step_s)
    told.add(15 + step_s / 60, "sleep_started")
    told.add(20 + step_s / 60, "slept")
    skipped = {"unknown": step_s / 60} if step_s > 0 else {}
    assert told.minutes(30 + step_s / 60) == {"awake": 20, "asleep": 10, **skipped}


def test_a_clock_that_is_behind_after_a_boot_makes_no_time_until_it_is_set() -> None:
    told = Told()
    told.add(0, "found_stopped")
    told.add(1000, "sleep_called_off", reason="not_known")
    told.add(-20_000_000, "watch_started", "*", unwatched_s=0.0, rebooted=True)
    told.add(-19_999_990, "found_stopped")
    told.add(2000, "clock_step", "*", step_s=20_001_985 * MINUTE)
    told.add(2010, "found_running")
    # It was off for 985 minutes, and asleep before and after.
    assert told.minutes(2020) == {"asleep": 2010, "awake": 10}


def test_an_event_that_comes_late_counts_as_of_the_last_one() -> None:
    told = Told()
    told.add(10, "found_running")
    told.add(5, "slept")
    assert told.minutes(30) == {"asleep": 20}


def test_what_is_certain_is_told_once_in_whatever_pieces() -> None:
    told = Told()
    told.add(0, "found_stopped")
    for minute in range(1, 20):
        told.ledger.tell_until(microseconds(START + timedelta(minutes=minute)))
    told.add(20, "wake_requested")
    told.ledger.tell_until(microseconds(START + timedelta(minutes=25)))
    told.again()
    told.add(30, "wake_failed", reason="failed")
    assert told.minutes(40) == {"asleep": 20, "unknown": 20}


def assert_true(told: Told, world: World) -> None:
    """Each host has its known sums, and besides what the clock skipped for good is unknown."""
    told.ledger.close(microseconds(world.end()))
    for host, truth in world.truth.items():
        spans = [(state, a, b) for name, state, a, b in told.spans if name == host]
        assert all(a < b for _, a, b in spans)
        assert all(b == c for (_, _, b), (_, c, _) in itertools.pairwise(spans))
        sums: Counter[str] = Counter(dict.fromkeys(State, 0))
        for state, start, end in spans:
            sums[state] += end - start
        skipped = spans[-1][2] - spans[0][1] - sum(truth.sums.values())
        assert sums == {**truth.sums, "unknown": truth.sums["unknown"] + skipped}
        assert skipped == 0 or world.clock == "set"


@pytest.mark.parametrize("seed", range(20))
def test_the_sums_of_a_month_are_the_known_ones(seed: int) -> None:
    world = World(seed, hosts=5, begin=START)
    world.run(START + timedelta(days=31))
    told = Told()
    for document in world.events:
        event = msgspec.convert(document, Event)
        told.ledger.add(event, event.at_us())
        if world.random.random() < 0.1:
            told.again()
        if world.random.random() < 0.2:  # in time, as the recorder does
            told.ledger.tell_until(event.at_us())
    assert_true(told, world)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("clock", ["set", "wrong"])
def test_the_sums_are_the_known_ones_whatever_the_clock_was_set_to(seed: int, clock: str) -> None:
    world = World(seed, hosts=5, begin=START, clock=clock)
    world.run(START + timedelta(days=31))
    world.set_right()
    events = [msgspec.convert(document, Event) for document in world.events]
    believed = None
    for _ in range(2):  # what came out of the first look is believed in the second
        told = Told(believed)
        for event in events:
            told.ledger.add(event, event.at_us())
        believed = told.ledger.steady.reckoning()
    assert_true(told, world)


_KINDS = ["wake_requested", "woken", "wake_failed", "sleep_started", "slept", "sleep_called_off",
          "stop_failed", "found_running", "found_stopped", "watch_started", "clock_step", "new"]  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.integers(-1000, 1000), st.sampled_from(_KINDS), st.sampled_from("ab*"),
            st.floats(-1e5, 1e5), st.sampled_from([None, "quota", "failed"]), st.booleans(),
        )
    )
)  # fmt: skip
def test_no_host_has_more_time_than_there_was(steps: Steps) -> None:
    told = Told()
    for minute, kind, host, seconds, reason, again in steps:
        told.add(minute, kind, host, step_s=seconds, unwatched_s=seconds, reason=reason)
        if again:
            told.again()
            told.ledger.tell_until(microseconds(START + timedelta(minutes=minute)))
    told.minutes(1000)
    for host in "ab":
        mine = [(a, b) for name, _, a, b in told.spans if name == host]
        assert all(a < b for a, b in mine)
        # A clock that is found to be set makes the wall's time another than what passed.
        if mine and not {"clock_step", "watch_started"} & {step[1] for step in steps}:
            assert sum(b - a for a, b in mine) == max(b for _, b in mine) - min(a for a, _ in mine)


def merged(told: Told) -> list[tuple[str, str, int, int]]:
    """Join what was told in pieces."""
    joined: list[tuple[str, str, int, int]] = []
    for host, state, start, end in sorted(told.spans):
        if joined and joined[-1][:2] == (host, state) and joined[-1][3] == start:
            joined[-1] = (host, state, joined[-1][2], end)
        else:
            joined.append((host, state, start, end))
    return joined


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60), st.sampled_from([k for k in _KINDS if k != "clock_step"]),
            st.sampled_from("ab"), st.sampled_from([None, "quota", "failed"]),
        )
    )
)  # fmt: skip
def test_what_is_told_hour_by_hour_is_what_an_audit_tells(steps: Steps) -> None:
    at_once, in_time, now = Told(), Told(), 0
    for minutes, kind, host, reason in steps:
        now += minutes
        if kind == "watch_started":  # nobody has told anything meanwhile
            fields = {"host": "*", "unwatched_s": minutes * MINUTE}
        else:
            in_time.ledger.tell_until(microseconds(START + timedelta(minutes=now)))
            fields = {"host": host, "reason": reason}
        for told in (at_once, in_time):
            told.add(now, kind, **fields)
    for told in (at_once, in_time):
        told.minutes(now + 1000)
    assert merged(in_time) == merged(at_once)
