"""The idle question: for how long has nobody used this host, and does an operator wish it to sleep.

Pure: values in, values out. Unknown counts as in use: what is not known can't be idle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# So long a wish to sleep stands that could not be carried out: whoever wished it has gone by then.
WISH_STANDS = timedelta(minutes=2)
# So long a stop that has begun is followed, and those who wait for it are told of it.
STOP_ENDS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wish:
    """An operator's wish that a host sleeps now, and not only after `idle_after`."""

    at: datetime
    by: str  # the operator's name
    force: bool  # also if somebody uses it, is connected to it, or has it kept awake


@dataclass(frozen=True, slots=True)
class Use:
    """What is known of a host's use; moments are aware UTC, None is "never, as far as we know"."""

    last_used: datetime | None  # end of the newest request that counts as activity
    last_woken: datetime | None  # newest event of a wake
    started_at: datetime | None  # of the upstream, as its provider says
    watched_since: datetime  # when we began to look at it: before that, nothing is known
    kept_until: datetime | None = None  # a window or an operator keeps it awake until then
    wish: Wish | None = None  # the newest that has not been answered


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of those that are known."""
    return max((at for at in moments if at is not None), default=None)


def idle_since(use: Use) -> datetime:
    """Return the newest sign of use; what went before we looked may have been one."""
    used = use.last_used or use.watched_since
    return max(at for at in (used, use.last_woken, use.started_at) if at is not None)


def idle_for(use: Use, now: datetime) -> timedelta:
    """Return how long the host has been idle; never negative."""
    return max(timedelta(), now - idle_since(use))


def standing(wish: Wish | None, now: datetime) -> Wish | None:
    """Return a wish that is still to be answered; it may have been overtaken."""
    return wish if wish and now - wish.at < WISH_STANDS else None


def wished(use: Use, now: datetime) -> Wish | None:
    """Return an operator's wish that it sleeps now, if nobody came after that.

    By force it counts only who woke or started it after that.
    """
    wish = standing(use.wish, now)
    if wish is None:
        return None
    came = latest(use.last_woken, use.started_at) if wish.force else idle_since(use)
    return wish if came is None or came <= wish.at else None


def is_forced(use: Use, now: datetime) -> bool:
    """Whether an operator wishes it to sleep whoever uses it."""
    wish = wished(use, now)
    return wish is not None and wish.force


def time_left(use: Use, idle_after: timedelta, now: datetime) -> timedelta:
    """Return after what time it may sleep if nobody comes; never negative."""
    if is_forced(use, now):
        return timedelta()
    unused = timedelta() if wished(use, now) else idle_after - idle_for(use, now)
    kept = use.kept_until - now if use.kept_until else timedelta()
    return max(unused, kept, timedelta())
