"""How long a wake goes on trying, and how often: growing pauses until `ready.timeout`."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from waitroom.errors import Reason, UpstreamError
from waitroom.hosts import Host

_FIRST_PAUSE_S, _LAST_PAUSE_S, _GROWTH = 0.05, 0.5, 1.3
# A provider without a free machine needs minutes, and more questions make none free.
_FIRST_QUEUE_PAUSE_S, _LAST_QUEUE_PAUSE_S, _QUEUE_GROWTH = 1.0, 60.0, 2.0


class Patience:
    """The pauses of one wake, until its time is over."""

    def __init__(self, host: Host, since: datetime) -> None:
        left_s = (host.ready.timeout - (datetime.now(UTC) - since)).total_seconds()
        self._host = host
        self._deadline = time.monotonic() + left_s
        self._pause_s = _FIRST_PAUSE_S
        self._queue_pause_s = _FIRST_QUEUE_PAUSE_S

    def pause(self, fault: UpstreamError | None = None) -> None:
        """Wait for the next look.

        Raises: UpstreamError when the time is over, which is the fault that was met, if any.
        """
        late = fault or too_late(self._host, "runs, but its app does not answer")
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


def too_late(host: Host, what: str) -> UpstreamError:
    """Return the error of a wake whose time is over."""
    seconds = host.ready.timeout.total_seconds()
    return UpstreamError(Reason.TIMEOUT, f"the upstream {what} after {seconds:g} s (ready.timeout)")
