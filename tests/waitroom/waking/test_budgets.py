from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.waitroom.fakes import a_host
from waitroom.registry.hosts import TotalBudget
from waitroom.view import Refusal, Refused
from waitroom.waking.budgets import Budgets, Claim, Left, Proof

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ANN = Claim(visitor="ann", proof=Proof.WORK)
BOB = Claim(visitor="bob", proof=Proof.WAIT)


def ask(
    budgets: Budgets,
    now: datetime,
    claim: Claim = ANN,
    *,
    total: TotalBudget | None = None,
    asleep_since: datetime | None = None,
    under_way: int = 0,
    name: str = "app.test",
    **budget: object,
) -> Refused | None:
    host = a_host(name, budget=budget)
    return budgets.refusal(
        claim, host, total or TotalBudget(), now=now, asleep_since=asleep_since, under_way=under_way
    )


def granted(*hours: float, claim: Claim = ANN, host: str = "app.test") -> Budgets:
    budgets = Budgets()
    for hour in hours:
        budgets.grant(host, claim, NOON + hour * HOUR, None)
    return budgets


def test_there_is_something_in_it_again_when_the_oldest_wake_is_a_day_old() -> None:
    budgets = granted(0, 1, 2)
    assert ask(budgets, NOON + 3 * HOUR, wakes_per_day=4) is None
    assert ask(budgets, NOON + 3 * HOUR, wakes_per_day=3) == Refused(Refusal.SPENT, NOON + DAY)
    assert ask(budgets, NOON + 3 * HOUR, wakes_per_day=2) == Refused(
        Refusal.SPENT, NOON + DAY + HOUR
    )
    assert ask(budgets, NOON + DAY, wakes_per_day=3) is None


def test_each_host_has_its_own_and_all_have_one_together() -> None:
    budgets = granted(0, 1)
    assert ask(budgets, NOON + 2 * HOUR, name="other.test", wakes_per_day=1) is None
    total = TotalBudget(wakes_per_day=2)
    assert ask(budgets, NOON + 2 * HOUR, name="other.test", total=total) == Refused(
        Refusal.SPENT, NOON + DAY
    )


def test_so_many_wakes_may_be_under_way_at_once() -> None:
    total = TotalBudget(wakes_at_once=2)
    assert ask(Budgets(), NOON, total=total, under_way=1) is None
    assert ask(Budgets(), NOON, total=total, under_way=2) == Refused(Refusal.BUSY)


def test_one_visitor_gets_only_his_share() -> None:
    budgets = granted(0, 1)
    assert ask(budgets, NOON + 2 * HOUR, wakes_per_visitor=2) == Refused(Refusal.SPENT, NOON + DAY)
    carl = Claim(visitor="carl", proof=Proof.WORK)
    assert ask(budgets, NOON + 2 * HOUR, carl, wakes_per_visitor=2) is None


def test_those_who_did_nothing_but_wait_share_a_smaller_one() -> None:
    budgets = granted(0, 1, claim=BOB)
    refused = Refused(Refusal.SPENT, NOON + DAY)
    assert ask(budgets, NOON + 2 * HOUR, BOB, unproven_per_day=2) == refused
    assert ask(budgets, NOON + 2 * HOUR, ANN, unproven_per_day=2) is None
    assert ask(granted(0, 1, claim=ANN), NOON + 2 * HOUR, BOB, unproven_per_day=2) is None


def test_a_pause_is_kept_from_wake_to_wake() -> None:
    budgets = granted(0)
    assert ask(budgets, NOON + HOUR / 2, pause="1h") == Refused(Refusal.SPENT, NOON + HOUR)
    assert ask(budgets, NOON + HOUR, pause="1h") is None


def test_the_time_awake_of_a_day_is_counted_from_wake_to_sleep() -> None:
    budgets = granted(0)
    slept = NOON + 3 * HOUR
    later = NOON + 10 * HOUR
    assert ask(budgets, later, asleep_since=slept, awake_per_day="4h") is None
    budgets.grant("app.test", ANN, later, slept)
    again = later + HOUR  # awake for 3 + 1 hours
    until = NOON + DAY + timedelta(seconds=1)
    assert ask(budgets, again, asleep_since=again, awake_per_day="4h") == Refused(
        Refusal.SPENT, until
    )
    assert ask(budgets, until, asleep_since=again, awake_per_day="4h") is None


def test_a_long_day_that_began_yesterday_counts_for_its_part_of_today() -> None:
    budgets = granted(-20)
    until = ask(budgets, NOON + 6 * HOUR, asleep_since=NOON + 6 * HOUR, awake_per_day="24h")
    assert until
    assert ask(budgets, NOON + 9 * HOUR, asleep_since=NOON + 6 * HOUR, awake_per_day="24h") is None
    assert ask(budgets, NOON + 6 * HOUR, asleep_since=NOON - 19 * HOUR, awake_per_day="1h") is None


def test_of_several_that_are_spent_the_last_to_open_counts() -> None:
    refused = ask(granted(0), NOON + HOUR, wakes_per_day=1, pause="2h")
    assert refused == Refused(Refusal.SPENT, NOON + DAY)


def event(at: datetime, **more: object) -> dict[str, object]:
    return {"kind": "wake_requested", "host": "app.test", "at": at.isoformat(), **more}


def test_the_journal_has_all_of_it() -> None:
    events = [
        event(NOON, visitor="bob", proof="wait"),
        {"kind": "woken", "host": "app.test", "at": NOON.isoformat(), "took_s": 1.0},
        event(NOON + 4 * HOUR, visitor="ann", proof="work", asleep_since="2026-05-01T13:00:00Z"),
    ]
    budgets = Budgets(events)
    now = NOON + 5 * HOUR
    assert ask(budgets, now, wakes_per_day=2)
    assert ask(budgets, now, wakes_per_day=3) is None
    assert ask(budgets, now, BOB, unproven_per_day=1)
    assert ask(budgets, now, asleep_since=now, awake_per_day="2h")
    assert ask(budgets, now, asleep_since=now, awake_per_day="2h1s") is None


@pytest.mark.parametrize("odd", [{}, {"asleep_since": 3}, {"asleep_since": "x", "visitor": []}])
def test_odd_events_count_as_wakes(odd: dict[str, object]) -> None:
    budgets = Budgets([event(NOON, **odd), event(NOON + HOUR, **odd)])
    assert ask(budgets, NOON + 2 * HOUR, wakes_per_day=2)


@given(st.lists(st.floats(0, 72), max_size=60).map(sorted), st.integers(1, 6))
def test_no_day_has_more_wakes_than_are_paid_for(hours: list[float], most: int) -> None:
    budgets, wakes = Budgets(), []
    for hour in hours:
        at = NOON + hour * HOUR
        refused = ask(budgets, at, wakes_per_day=most)
        if refused is None:
            budgets.grant("app.test", ANN, at, None)
            wakes.append(at)
        else:
            assert refused.until
            assert refused.until > at
    for i in range(len(wakes) - most):
        assert wakes[i + most] - wakes[i] >= DAY


@given(
    st.lists(st.tuples(st.floats(0.01, 9), st.floats(0.01, 9)), min_size=1, max_size=12),
    st.floats(0.1, 20),
)
def test_when_it_is_said_to_open_it_opens(spans: list[tuple[float, float]], most: float) -> None:
    budgets, at, slept = Budgets(), NOON, None
    for awake, asleep in spans:
        budgets.grant("app.test", ANN, at, slept)
        slept = at + awake * HOUR
        at = slept + asleep * HOUR
    budget = f"{max(1, int(most * 3600))}s"
    refused = ask(budgets, at, asleep_since=slept, awake_per_day=budget)
    if refused:
        assert refused.until
        assert ask(budgets, refused.until, asleep_since=slept, awake_per_day=budget) is None
        early = refused.until - timedelta(seconds=2)
        assert early < at or ask(budgets, early, asleep_since=slept, awake_per_day=budget)


def test_what_is_left_is_what_would_still_be_granted() -> None:
    budgets = granted(0, 1, 2)
    budgets.grant("other.test", ANN, NOON + 2 * HOUR, None)
    host = a_host(budget={"wakes_per_day": 5, "awake_per_day": "4h"})
    at = {"now": NOON + 3 * HOUR, "asleep_since": NOON + 2.5 * HOUR}
    assert budgets.left(host, TotalBudget(), **at) == Left(2, 1.5 * HOUR)  # type: ignore[arg-type]
    assert budgets.left(host, TotalBudget(wakes_per_day=5), **at).wakes == 1  # type: ignore[arg-type]
    unbound = a_host(budget={"wakes_per_day": 1})
    assert budgets.left(unbound, TotalBudget(), **at) == Left(0, None)  # type: ignore[arg-type]
    a_day_on = {"now": NOON + 2 * DAY, "asleep_since": NOON + 2.5 * HOUR}
    assert budgets.left(host, TotalBudget(), **a_day_on) == Left(5, 4 * HOUR)  # type: ignore[arg-type]


@pytest.mark.parametrize("spent", [{"wakes_per_day": 1}, {"pause": "5m"}, {"awake_per_day": "1h"}])
def test_a_clock_that_was_years_ahead_locks_nobody_until_then(spent: dict[str, object]) -> None:
    budgets, ahead = Budgets(), NOON + 3000 * DAY
    for at, asleep_since in ((NOON - 9 * DAY, None), (ahead, ahead - HOUR), (ahead + DAY, ahead)):
        budgets.grant("app.test", ANN, at, asleep_since)
    assert ask(budgets, NOON, **spent) is None
    budgets.grant("app.test", ANN, NOON, None)
    assert ask(budgets, NOON + 2 * HOUR, awake_per_day="1h")
    assert ask(budgets, NOON + HOUR, wakes_per_day=1) == Refused(Refusal.SPENT, NOON + DAY)
