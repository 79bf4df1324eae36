"""The sums that people pay by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from waitroom.record.occurrence import Event, microseconds
from waitroom.record.summary import Price, Summary, Window
from waitroom.record.sums import summarise

START = datetime(2026, 1, 1, tzinfo=UTC)
Steps = list[tuple[float, str, dict[str, Any]]]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def summary(
    steps: Steps, since: float | None = None, until: float = 100, price: Price | None = None
) -> Summary:
    begin = None if since is None else microseconds(at(since))
    window = Window(begin, microseconds(at(until)), microseconds(at(100)))
    events = [
        msgspec.convert(
            {"at": at(hour), "host": "*" if kind[0] == "*" else "a.test", "kind": kind.strip("*")}
            | fields,
            Event,
        )
        for hour, kind, fields in steps
    ]
    [found] = summarise(lambda: events, window, {"a.test": price} if price else {})
    return found


def slept(hour: float, last_used: float | None = None) -> tuple[float, str, dict[str, Any]]:
    used = None if last_used is None else at(last_used)
    return hour, "slept", {"evidence": {"last_used": used}}


WOKEN: Steps = [(0, "found_stopped", {}), (10, "wake_requested", {}), (10.5, "woken", {})]


def test_a_wake_that_nobody_used_is_a_false_one() -> None:
    assert summary([*WOKEN, slept(12, 9)]).false_wakes == 1
    assert summary([*WOKEN, slept(12)]).false_wakes == 1
    assert summary([*WOKEN, slept(12, 10.2)]).false_wakes == 0
    assert summary([*WOKEN, (11, "found_stopped", {}), slept(12)]).false_wakes == 0


def test_a_wake_is_false_only_once() -> None:
    found = summary([*WOKEN, slept(12), (13, "found_running", {}), slept(14)])
    assert (found.wakes, found.false_wakes) == (1, 1)


def test_only_the_window_counts_but_what_was_before_it_is_known() -> None:
    steps: Steps = [*WOKEN, slept(12), (20, "stop_failed", {}), (99, "sleep_called_off", {})]
    found = summary(steps, since=11, until=15)
    assert (found.awake_us, found.asleep_us) == (3_600_000_000, 3 * 3_600_000_000)
    assert (found.wakes, found.false_wakes, found.failed_stops, found.sleeps_called_off) == (
        0,
        1,
        0,
        0,
    )
    assert found.share_saved == 0.75


def test_money_is_the_price_of_the_time_asleep() -> None:
    found = summary([*WOKEN, slept(12)], until=20, price=Price(Decimal("0.0335"), "USD"))
    assert found.money_saved == Decimal("0.0335") * 18
    assert summary(WOKEN).money_saved is None


@pytest.mark.parametrize("kind", ["log_gap", "wake_refused", "something_new"])
def test_what_says_nothing_of_its_state_leaves_a_host_unknown(kind: str) -> None:
    found = summary([(0, kind, {})], until=1)
    assert (found.unknown_us, found.share_saved) == (3_600_000_000, None)


@pytest.mark.parametrize("ahead_h", [2, 48, 24 * 365])
def test_a_clock_that_was_ahead_and_is_set_back_counts_nothing_twice(ahead_h: float) -> None:
    steps: Steps = [
        (0, "found_running", {}),
        (30 + ahead_h, "*clock_step", {"step_s": ahead_h * 3600}),
        (31 + ahead_h, "sleep_started", {}),
        (31 + ahead_h, "slept", {}),
        (32, "*clock_step", {"step_s": -ahead_h * 3600}),
    ]
    day = summary(steps, since=24, until=48)
    assert (day.awake_us, day.asleep_us) == (7 * 3_600_000_000, 17 * 3_600_000_000)
    assert summary(steps, since=6, until=30).awake_us == 24 * 3_600_000_000
    assert day.false_wakes == 0


def test_what_a_clock_has_skipped_is_unknown() -> None:
    steps: Steps = [(0, "found_running", {}), (15, "*clock_step", {"step_s": 5 * 3600})]
    found = summary(steps, until=24)
    assert (found.awake_us, found.unknown_us) == (19 * 3_600_000_000, 5 * 3_600_000_000)


def test_a_window_has_what_came_to_light_after_it() -> None:
    found = summary(WOKEN, until=10.25)
    assert (found.asleep_us, found.awake_us, found.wakes) == (36_000_000_000, 900_000_000, 0)


def test_what_only_a_better_reckoning_shows_to_have_happened_is_counted() -> None:
    found = summary([
        (480, "*watch_started", {}),  # by a clock that is days ahead,
        (481, "found_running", {}),
        (482, "slept", {}),
        (481.5, "*watch_started", {"unwatched_s": 60.0}),  # a little less so after a restart,
        (482, "found_running", {}),
        (2.5, "*clock_step", {"step_s": -480 * 3600.0}),  # and right again
        (3, "slept", {}),
    ])  # fmt: skip
    assert (found.awake_us / 3.6e9, found.asleep_us / 3.6e9) == (2, 97.5)
