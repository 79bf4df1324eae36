"""Following a stop until its provider says that it has begun, or ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from waitroom.errors import Reason, UpstreamError
from waitroom.upstreams.base import Phase, Status, Upstream

log = logging.getLogger(__name__)

# A provider that has taken a stop shows it within this time, or the stop counts as failed.
_SHOWS_S = 30.0
_ENDS_S = 600.0
_PAUSE_S = 0.2


def stop(upstream: Upstream, name: str) -> bool:
    """Stop a host's upstream; return when it is under way, and whether it is over already.

    Raises: UpstreamError.
    """
    upstream.stop()
    status = _follow(upstream, name, until=_has_begun, patience_s=_SHOWS_S)
    return status.phase is Phase.STOPPED


def ends(upstream: Upstream, name: str, woken: Callable[[], bool]) -> bool:
    """Wait for the end of a stop under way; False if the host was woken meanwhile.

    Raises: UpstreamError.
    """

    def over(status: Status) -> bool:
        return status.phase is Phase.STOPPED or woken()

    return _follow(upstream, name, until=over, patience_s=_ENDS_S).phase is Phase.STOPPED


def _has_begun(status: Status) -> bool:
    return status.phase in (Phase.STOPPED, Phase.STOPPING, Phase.PARTLY)


def _follow(
    upstream: Upstream, name: str, *, until: Callable[[Status], bool], patience_s: float
) -> Status:
    """Ask the provider until it says so. Raises: UpstreamError when it does not in time."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            status = upstream.status()
            if until(status):
                return status
        except UpstreamError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("%s: %s; asking again whether it has stopped", name, error)
        else:
            if time.monotonic() > deadline:
                text = f"still {status.detail or status.phase} {patience_s:g} s after its stop"
                raise UpstreamError(Reason.TIMEOUT, text)
        time.sleep(_PAUSE_S)
