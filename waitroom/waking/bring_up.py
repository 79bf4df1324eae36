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
from waitroom.registry.hosts import Front, Host
from waitroom.upstreams.base import Phase, Status, Upstream
from waitroom.upstreams.fronts import serving
from waitroom.view import MemberState, Stage
from waitroom.waking.patience import Patience, Starts, too_late
from waitroom.waking.stages import members, stage
from waitroom.waking.stops import Stops

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
    members: tuple[tuple[str, MemberState], ...] = ()
    answered: bool = False  # the app has, and its route is, or is about to be, in force
    ended: threading.Event = field(default_factory=threading.Event)


def bring_up(
    wake: Wake,
    upstream: Upstream,
    probe: Callable[[Host, Front], bool],
    stops: Stops,
    *,
    may_start: bool,
) -> str | None:
    """Go on until the app answers and return its url; None: stopped, and not to be started.

    Raises: UpstreamError.
    """
    host, starts, patience = wake.host, Starts(), Patience(wake.host, wake.since)
    while True:
        try:
            status = upstream.status()
            stops.note_seen(host, status)
            if status.phase in (Phase.STOPPED, Phase.PARTLY) and not may_start:
                return None
            if starts.is_due(status.phase, time.monotonic()):
                upstream.start()
                starts.note(status.phase, time.monotonic())
        except UpstreamError as error:
            if error.reason not in (Reason.UNREACHABLE, Reason.CAPACITY):
                raise
            log.warning("%s: %s; trying again", host.name, error)
            if error.reason is Reason.CAPACITY:
                starts, wake.stage = Starts(), Stage.QUEUED
            patience.pause(error)
            continue
        wake.stage, wake.members = _stage(host, status, stops), members(status)
        fronts = serving(host, status)
        if wake.stage is Stage.ANSWERING and all(f.url and probe(host, f) for f in fronts):
            return fronts[0].url
        patience.pause(too_late(host, LATE[wake.stage], status))


def _stage(host: Host, status: Status, stops: Stops) -> Stage:
    """Return how far it has come. What was being stopped and runs still is not to be trusted."""
    if status.phase is Phase.RUNNING and stops.unseen(host.name):
        return Stage.STOPPING
    return stage(host, status)
