"""One wake's way up: look, start what is stopped, and probe until the app answers.

It knows nothing of visitors, routes or the journal; `wake` does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from waitroom.errors import Reason, UpstreamError
from waitroom.hosts import Host
from waitroom.patience import Patience, Starts, too_late
from waitroom.stages import stage
from waitroom.stops import Stops
from waitroom.upstreams.base import Phase, Status, Upstream
from waitroom.view import Stage

log = logging.getLogger(__name__)

# What is said of a wake whose time ends at that stage.
LATE = {
    Stage.STOPPING: "is still being stopped",
    Stage.STARTING: "was started and does not run",
    Stage.CONTAINER: "was started and does not run",
    Stage.RESERVING: "was started and has no machine yet",
    Stage.PREPARING: "was started and its machine is not ready yet",
    Stage.ANSWERING: "runs, but its app does not answer",
    Stage.REPAIRING: "is still being repaired",
    Stage.QUEUED: "has no free machine",
}


@dataclass(slots=True)
class Wake:
    """One wake or attendance under way; only its own thread changes it."""

    host: Host
    starts: bool  # False: attending
    since: datetime
    stage: Stage = Stage.STARTING
    ended: threading.Event = field(default_factory=threading.Event)


def bring_up(
    wake: Wake, upstream: Upstream, probe: Callable[[Host, str], bool], stops: Stops
) -> str | None:
    """Go on until the app answers and return its url; None: stopped, and not ours to start.

    Raises: UpstreamError.
    """
    host, starts, patience = wake.host, Starts(), Patience(wake.host, wake.since)
    while True:
        try:
            status = upstream.status()
            if status.phase is Phase.STOPPED:
                stops.note_end(host.name)
                if not wake.starts:
                    return None
            if starts.is_due(status.phase, time.monotonic()):
                upstream.start()
                starts.note(time.monotonic())
        except UpstreamError as error:
            if error.reason not in (Reason.UNREACHABLE, Reason.CAPACITY):
                raise
            log.warning("%s: %s; trying again", host.name, error)
            if error.reason is Reason.CAPACITY:
                starts, wake.stage = Starts(), Stage.QUEUED
            patience.pause(error)
            continue
        wake.stage = _stage(host, status, stops)
        url = host.url or status.url
        if wake.stage is Stage.ANSWERING and url and probe(host, url):
            return url
        patience.pause(too_late(host, LATE[wake.stage]))


def _stage(host: Host, status: Status, stops: Stops) -> Stage:
    """Return how far it has come. What was being stopped and runs still is not to be trusted."""
    if status.phase is Phase.RUNNING and stops.unseen(host.name):
        return Stage.STOPPING
    return stage(host, status)
