"""How long and how often a wake tries: growing pauses until `ready.timeout`, and few starts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Phase, Status

_FIRST_PAUSE_S, _LAST_PAUSE_S, _GROWTH = 0.05, 0.5, 1.3
# A provider without a free machine needs minutes, and more questions make none free.
_FIRST_QUEUE_PAUSE_S, _LAST_QUEUE_PAUSE_S, _QUEUE_GROWTH = 1.0, 60.0, 2.0
# An app that exits right after each start is broken; more starts only cost money.
_STARTS = 3
# A start that shows nothing for so long was lost, or the app died unseen.
_START_SHOWS_S = 10.0


class Patience:
    """The pauses of one wake, until its time is over."""

    def __init__(self, host: Host, since: datetime) -> None:
        ago = max(datetime.now(UTC) - since, timedelta())  # the clock may have been set back
        self._deadline = time.monotonic() + (host.ready.timeout - ago).total_seconds()
        self._pause_s = _FIRST_PAUSE_S
        self._queue_pause_s = _FIRST_QUEUE_PAUSE_S

    def pause(self, late: UpstreamError) -> None:
        """Wait for the next look. Raises: `late` when the time is over."""
        if late.reason is Reason.CAPACITY:
            self._sleep(self._queue_pause_s, late)
            self._queue_pause_s = min(self._queue_pause_s * _QUEUE_GROWTH, _LAST_QUEUE_PAUSE_S)
        else:
            self._sleep(self._pause_s, late)
            self._pause_s = min(self._pause_s * _GROWTH, _LAST_PAUSE_S)

    def _sleep(self, pause_s: float, late: UpstreamError) -> None:
        left_s = self._deadline - time.monotonic()
        time.sleep(max(0.0, min(pause_s, left_s)))
        if left_s < pause_s:
            raise late


class Starts:
    """The starts of one wake. `start` only begins: what is stopped after it may just not be up yet.

    Pure: `now_s` is any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._count = 0
        self._again_at_s = float("-inf")

    def is_due(self, phase: Phase, now_s: float) -> bool:
        """Whether to start it now. Raises: UpstreamError when it was started often enough."""
        if phase is not Phase.STOPPED:
            self._again_at_s = now_s  # it came up; stopped once more, it has died
            return phase is Phase.PARTLY  # whoever is next; a group counts the starts of each
        if now_s < self._again_at_s:
            return False
        if self._count == _STARTS:
            text = f"stopped again after each of {_STARTS} starts; see the app's own log"
            raise UpstreamError(Reason.CRASHED, text)
        return True

    def note(self, phase: Phase, now_s: float) -> None:
        """Note that it was started from there."""
        if phase is Phase.STOPPED:
            self._count += 1
            self._again_at_s = now_s + _START_SHOWS_S


def too_late(host: Host, what: str, status: Status | None = None) -> UpstreamError:
    """Return the error of a wake whose time is over; `status`: what its provider said last."""
    text = f"the upstream {what} after {host.ready.timeout.total_seconds():g} s (ready.timeout)"
    if status and status.detail:
        said = status.detail if status.members else f"its provider says {status.detail!r}"
        text += f"; {said}"
    return UpstreamError(Reason.TIMEOUT, text)
