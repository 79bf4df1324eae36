"""Following a stop until its provider says that it has begun, or ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from waitroom.errors import Reason, UpstreamError
from waitroom.idle import STOP_ENDS
from waitroom.upstreams.base import Phase, Status, Upstream

log = logging.getLogger(__name__)

# A provider that has taken a stop shows it within this time, or the stop counts as failed.
_SHOWS_S = 30.0
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that has begun."""

    upstream: Upstream
    name: str  # of its host, for logs
    before: Status
    last: Status

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return _is_over(self.last, self.before)

    def ends(self, woken: Callable[[], bool]) -> bool:
        """Wait for its end; False if the host was woken meanwhile. Raises: UpstreamError."""

        def until(status: Status) -> bool:
            return _is_over(status, self.before) or woken()

        last = _follow(self.upstream, self.name, until=until, patience_s=STOP_ENDS.total_seconds())
        return _is_over(last, self.before)


def stop(upstream: Upstream, name: str) -> Stop:
    """Stop a host's upstream; return when that is under way. Raises: UpstreamError."""
    before = upstream.status()
    upstream.stop()

    def until(status: Status) -> bool:
        return status.phase in (Phase.STOPPING, Phase.PARTLY) or _is_over(status, before)

    last = _follow(upstream, name, until=until, patience_s=_SHOWS_S)
    return Stop(upstream, name, before, last)


def _is_over(status: Status, before: Status) -> bool:
    """Whether it has stopped; also if it runs again since, as somebody has started it."""
    if status.phase is not Phase.RUNNING:
        return status.phase is Phase.STOPPED
    now, then = status.started_at, before.started_at
    return now is not None and (then is None or now > then)


def _follow(
    upstream: Upstream, name: str, *, until: Callable[[Status], bool], patience_s: float
) -> Status:
    """Ask the provider until it says so. Raises: UpstreamError when it does not in time."""
    deadline = time.monotonic() + patience_s
    said = ""
    while True:
        try:
            status = upstream.status()
            if until(status):
                return status
        except UpstreamError as error:
            # What is missing was removed or renamed, and is not under this name again.
            if error.reason is Reason.MISSING or time.monotonic() > deadline:
                raise
            if str(error) != said:
                said = str(error)
                log.warning("%s: %s; asking again whether it has stopped", name, said)
        else:
            if time.monotonic() > deadline:
                text = f"still {status.detail or status.phase} {patience_s:g} s after its stop"
                raise UpstreamError(Reason.TIMEOUT, text)
        time.sleep(_PAUSE_S)
