"""Waking hosts for their `awake` windows, as long before one opens as a wake takes.

The sidecar keeps them awake from then on. A host that still sleeps inside a window, as its wake has
failed or nobody was there to wake it, is woken then. One that somebody stops inside a window stays
stopped until its next visitor or its next opening.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from waitroom.errors import WaitroomError
from waitroom.registry.hosts import Host, Registry

log = logging.getLogger(__name__)

EVERY_S = 10.0
_USUAL_S = 60.0  # a wake that nobody has seen yet
# Between two wakes inside a window; it doubles, as what fails now is likely to fail again.
_FIRST_PAUSE, _LAST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Missed:
    """An opening that a host has slept through, and when to try again to wake it for that."""

    opened: datetime
    again: datetime
    pause: timedelta


class Openings:
    """The next opening of each host, and whether it was woken for it."""

    def __init__(
        self,
        wake: Callable[[Host], bool],
        expected_s: Callable[[str], float | None],
        asleep_since: Callable[[str], float | None],
    ) -> None:
        """`wake` begins a wake, and does nothing to a host that runs; False: not at the moment.

        May raise WaitroomError. `asleep_since`: since when a host sleeps (time.time()), if it does.
        """
        self._wake = wake
        self._expected_s = expected_s
        self._asleep_since = asleep_since
        self._woken_for: dict[str, datetime] = {}
        self._missed: dict[str, _Missed] = {}

    def watch(self, registry: Callable[[], Registry], ended: threading.Event) -> None:
        """Look every ten seconds until `ended`; blocks, so give it a thread."""
        while not ended.wait(EVERY_S):
            self.look(registry().hosts.values(), datetime.now(UTC))

    def look(self, hosts: Iterable[Host], now: datetime) -> None:
        """Wake the hosts whose next window is near, each once, and those that have missed one."""
        for host in hosts:
            try:
                self._look_at(host, now)
            except (WaitroomError, OSError) as error:
                log.error("%s: can't be woken for its window: %s", host.name, error)
            except Exception:
                log.exception("%s: an opening broke; this is a fault of ours", host.name)

    def _look_at(self, host: Host, now: datetime) -> None:
        opens, missed = self._near(host, now), self._slept_through(host, now)
        if opens and self._woken_for.get(host.name) != opens:
            log.info(
                "%s: waking it for its window, which opens at %s", host.name, opens.isoformat()
            )
            if self._wake(host):
                self._woken_for[host.name] = opens
        elif missed and now >= missed.again:
            again = now + missed.pause
            pause = min(missed.pause * 2, _LAST_PAUSE)
            self._missed[host.name] = _Missed(missed.opened, again, pause)
            log.info(
                "%s: waking it for its window, which has opened at %s",
                host.name,
                missed.opened.isoformat(),
            )
            self._wake(host)

    def _near(self, host: Host, now: datetime) -> datetime | None:
        """Return the opening that it is time to wake for; None while there is time."""
        usual_s = self._expected_s(host.name) or _USUAL_S
        soon = now + timedelta(seconds=usual_s + 2 * EVERY_S)
        opens = host.awake.next_opening(now)
        # Where one window goes over into the next it is awake already.
        if opens and opens <= soon and host.awake.until(now) is None:
            return opens
        return None

    def _slept_through(self, host: Host, now: datetime) -> _Missed | None:
        """Return the opening since which it should be awake, if it has slept since before that."""
        opened = host.awake.opened(now)
        since = self._asleep_since(host.name) if opened else None
        if opened is None or since is None or since >= opened.timestamp():
            return None
        missed = self._missed.get(host.name)
        if missed and missed.opened == opened:
            return missed
        return _Missed(opened, now, _FIRST_PAUSE)
