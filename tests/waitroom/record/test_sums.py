"""The sums that people pay by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from waitroom.record.occurrence import Event, microseconds
from waitroom.record.sums import Price, Summary, Window, summarise

START = datetime(2026, 1, 1, tzinfo=UTC)
Steps = list[tuple[float, str, dict[str, Any]]]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def summary(
    steps: Steps, since: float | None = None, until: float = 100, price: Price | None = None
) -> Summary:
    window = Window(None if since is None else microseconds(at(since)), microseconds(at(until)))
    events = [
        msgspec.convert({"at": at(hour), "host": "a.test", "kind": kind, **fields}, Event)
        for hour, kind, fields in steps
    ]
    [found] = summarise(events, window, {"a.test": price} if price else {})
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
