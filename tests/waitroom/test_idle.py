from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from waitroom.idle import Use, Wish, idle_for, is_forced, standing, time_left, wished

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def use(*, wish: Wish | None = None, **minutes_ago: int | None) -> Use:
    known = {key: None if ago is None else NOON - ago * MINUTE for key, ago in minutes_ago.items()}
    return Use(
        **{
            "last_used": None,
            "last_woken": None,
            "started_at": None,
            "watched_since": NOON,
            "kept_until": None,
            "wish": wish,
            **known,
        }
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "minutes"),
    [
        (use(last_used=40), 40),
        (use(last_used=40, last_woken=10), 10),
        (use(last_used=40, last_woken=50, started_at=5), 5),
        (use(watched_since=7), 7),  # nothing is known from before
        (use(last_used=40, watched_since=1), 40),
        (use(started_at=90, last_woken=80, watched_since=7), 7),
        (use(last_used=-5), 0),  # a log from a clock that runs ahead
    ],
)
def test_is_idle_since_the_newest_sign_of_use(known: Use, minutes: int) -> None:
    assert idle_for(known, NOON) == minutes * MINUTE


def test_sleeps_from_idle_after_on() -> None:
    assert not time_left(use(last_used=30), 30 * MINUTE, NOON)
    assert time_left(use(last_used=29), 30 * MINUTE, NOON) == MINUTE


@pytest.mark.parametrize(
    ("known", "minutes"),
    [
        (use(last_used=10), 20),
        (use(last_used=40), 0),
        (use(last_used=40, kept_until=-5), 5),
        (use(last_used=10, kept_until=-5), 20),  # whatever takes longer
        (use(last_used=40, kept_until=5), 0),  # it was kept, and is no more
    ],
)
def test_may_sleep_when_it_is_idle_and_nothing_keeps_it_awake(known: Use, minutes: int) -> None:
    assert time_left(known, 30 * MINUTE, NOON) == minutes * MINUTE


WISH = Wish(NOON - MINUTE, "ann", force=False)
FORCED = Wish(NOON - MINUTE, "ann", force=True)


@pytest.mark.parametrize(
    ("known", "holds"),
    [
        (use(last_used=5, watched_since=60, wish=WISH), True),
        (use(last_used=0, watched_since=60, wish=WISH), False),  # somebody came after it
        (use(last_woken=0, watched_since=60, wish=WISH), False),
        (use(started_at=0, watched_since=60, wish=WISH), False),
        (use(watched_since=0, wish=WISH), False),  # nothing is known of the time before
        (use(last_used=5, kept_until=-5, wish=WISH), False),
        (use(last_used=0, watched_since=60, wish=FORCED), True),
        (use(last_used=0, kept_until=-5, wish=FORCED), True),
        (use(last_woken=0, wish=FORCED), False),  # by force it sleeps once, and not again
        (use(started_at=0, wish=FORCED), False),
    ],
)
def test_sleeps_at_once_by_an_operators_wish_until_somebody_comes(known: Use, holds: bool) -> None:  # noqa: FBT001
    assert (not time_left(known, 30 * MINUTE, NOON)) is holds


def test_a_wish_is_forgotten_after_two_minutes() -> None:
    later = NOON + MINUTE
    known = use(last_used=5, watched_since=60, wish=FORCED)
    assert standing(FORCED, NOON)
    assert not standing(FORCED, later)
    assert not wished(known, later)
    assert not is_forced(known, later)
    assert time_left(known, 30 * MINUTE, later)
