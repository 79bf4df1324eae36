from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from waitroom.idle import Wish
from waitroom.signs import Signs

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def signs(*events: tuple[datetime, str, str]) -> Signs:
    made = Signs()
    for at, host, kind in events:
        made.add({"at": at.isoformat(), "host": host, "kind": kind}, NOON)
    return made


@pytest.mark.parametrize("kind", ["wake_requested", "woken", "found_running"])
def test_the_newest_wake_of_a_host_is_a_sign(kind: str) -> None:
    found = signs((NOON - HOUR, "a.test", kind), (NOON - 2 * HOUR, "a.test", kind))
    assert found.last_woken("a.test") == NOON - HOUR
    assert found.last_woken("b.test") is None


@pytest.mark.parametrize("kind", ["log_gap", "clock_step"])
def test_what_may_have_been_missed_is_a_use_of_every_host(kind: str) -> None:
    found = signs((NOON - HOUR, "*", kind))
    assert found.last_used(None, NOON) == NOON - HOUR
    assert found.last_used(NOON, NOON) == NOON


def test_without_any_sign_nothing_is_known() -> None:
    assert signs((NOON, "a.test", "slept")).last_used(None, NOON) is None


def test_a_sign_from_the_future_is_of_now() -> None:
    found = signs((NOON + HOUR, "a.test", "woken"))
    assert found.last_woken("a.test") == NOON
    assert found.last_used(NOON + HOUR, NOON) == NOON


def test_what_came_by_a_clock_that_was_ahead_counts_as_of_when_it_was_set_back() -> None:
    found = Signs()
    ahead = {"at": (NOON + HOUR).isoformat()}
    for event in (
        {**ahead, "host": "a.test", "kind": "woken"},
        {**ahead, "host": "a.test", "kind": "sleep_requested", "by": "ann"},
        {**ahead, "host": "*", "kind": "clock_step"},
        {"at": NOON.isoformat(), "host": "*", "kind": "clock_step"},
    ):
        found.add(event, NOON + 2 * HOUR)
    wish = found.wish("a.test")
    assert wish
    assert found.last_used(None, NOON + HOUR) == found.last_woken("a.test") == wish.at == NOON


def test_what_was_kept_by_a_clock_that_was_ahead_is_kept_for_as_long_as_was_meant() -> None:
    ten_days = timedelta(days=10)
    ahead = NOON + ten_days
    kept = {"at": ahead.isoformat(), "host": "a.test", "kind": "kept", "by": "ann"}
    kept["until"] = (ahead + 2 * HOUR).isoformat()
    earlier = {**kept, "host": "b.test", "at": (NOON - HOUR).isoformat()}
    earlier["until"] = (NOON + HOUR).isoformat()
    set_back = {"at": NOON.isoformat(), "host": "*", "kind": "clock_step"}
    # As it happens, and as it is read an hour later from the record.
    for now in (ahead + HOUR, NOON + HOUR):
        found = Signs()
        for event in (kept, earlier, set_back):
            found.add(event, now)
        assert found.kept_until("a.test") == NOON + 2 * HOUR
        assert found.kept_until("b.test") == NOON + HOUR
    found = Signs()  # while nobody watched
    found.add(kept, NOON + HOUR)
    assert found.kept_until("a.test") == NOON + 3 * HOUR


@pytest.mark.parametrize(
    "event", [{}, {"at": "noon", "host": "a.test", "kind": "woken"}, {"at": 5}]
)
def test_what_is_no_event_is_no_sign(event: dict[str, object]) -> None:
    found = Signs()
    found.add(event, NOON)
    assert found.last_woken("a.test") is None


def _wished(force: bool, **answer: str) -> Wish | None:  # noqa: FBT001
    found = signs((NOON - 2 * HOUR, "a.test", "slept"))
    wish = {"at": (NOON - HOUR).isoformat(), "host": "a.test", "kind": "sleep_requested"}
    found.add({**wish, "by": "ann", "force": force}, NOON)
    if answer:
        found.add({"at": NOON.isoformat(), "host": "a.test", **answer}, NOON)
    return found.wish("a.test")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["slept", "sleep_called_off", "kept"])
def test_a_wish_to_sleep_stands_until_its_answer(kind: str, force: bool) -> None:  # noqa: FBT001
    assert _wished(force) == Wish(NOON - HOUR, "ann", force=force)
    assert _wished(force, kind=kind, until=NOON.isoformat()) is None


def test_a_stop_that_failed_leaves_the_wish() -> None:
    assert _wished(False, kind="stop_failed")  # noqa: FBT003


def test_a_visitor_calls_off_a_wish_but_not_a_forced_one() -> None:
    assert not _wished(False, kind="sleep_called_off", reason="visitor")  # noqa: FBT003
    assert _wished(True, kind="sleep_called_off", reason="visitor")  # noqa: FBT003


def test_what_an_operator_keeps_awake_is_kept_until_he_releases_it() -> None:
    found = Signs()
    kept = {"at": NOON.isoformat(), "host": "a.test", "kind": "kept", "by": "ann"}
    found.add({**kept, "until": (NOON + HOUR).isoformat()}, NOON)
    assert found.kept_until("a.test") == NOON + HOUR
    found.add({"at": NOON.isoformat(), "host": "a.test", "kind": "released"}, NOON)
    assert found.kept_until("a.test") is None
