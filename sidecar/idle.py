"""The idle question: for how long has nobody used this host.

Pure: values in, values out. Unknown counts as in use: what is not known can't be idle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Use:
    """What is known of a host's use; moments are aware UTC, None is "never, as far as we know"."""

    last_used: datetime | None  # end of the newest request that counts as activity
    last_woken: datetime | None  # newest event of a wake
    started_at: datetime | None  # of the upstream, as its provider says
    watched_since: datetime  # when we began to look: before that, nothing is known
    kept_until: datetime | None = None  # a window or an operator keeps it awake until then


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of those that are known."""
    return max((at for at in moments if at is not None), default=None)


def idle_since(use: Use) -> datetime:
    """Return the newest sign of use."""
    return latest(use.last_used, use.last_woken, use.started_at) or use.watched_since


def idle_for(use: Use, now: datetime) -> timedelta:
    """Return how long the host has been idle; never negative."""
    return max(timedelta(), now - idle_since(use))


def time_left(use: Use, idle_after: timedelta, now: datetime) -> timedelta:
    """Return after what time it may sleep if nobody comes; never negative."""
    unused = idle_after - idle_for(use, now)
    kept = use.kept_until - now if use.kept_until else timedelta()
    return max(unused, kept, timedelta())


def should_sleep(use: Use, idle_after: timedelta, now: datetime) -> bool:
    """Whether the host has been idle for long enough, and nothing keeps it awake."""
    return not time_left(use, idle_after, now)
