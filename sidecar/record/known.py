"""What is recorded of each host's use, for the idle question. Any thread may ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from sidecar.record.counts import HostCount
from sidecar.record.events import Events
from waitroom.idle import Wish


class Known:
    """Answers out of counts and events; nothing is changed."""

    def __init__(
        self, counts: Mapping[str, HostCount], events: Events, now: Callable[[], datetime]
    ) -> None:
        self._counts = counts
        self._events = events
        self._now = now

    def counts(self) -> list[HostCount]:
        """Return the counts of all hosts; their figures may be those of the next moment."""
        return list(self._counts.values())

    def last_used(self, host: str) -> datetime | None:
        """Return the end of the newest activity, or the moment of a gap in the log if later."""
        count = self._counts.get(host)
        return self._events.signs.last_used(count.last_activity if count else None, self._now())

    def last_woken(self, host: str) -> datetime | None:
        """Return when the host was last woken, or found running."""
        return self._events.signs.last_woken(host)

    def kept_until(self, host: str) -> datetime | None:
        """Return until when an operator keeps the host awake."""
        return self._events.signs.kept_until(host)

    def awake_s(self, host: str) -> float | None:
        """Return for how long a host was awake since we began; None: nothing is known of it."""
        return self._events.awake.seconds(host, time.monotonic())

    def wish(self, host: str) -> Wish | None:
        """Return an operator's wish that the host sleeps, unless it was answered."""
        return self._events.signs.wish(host)
