"""What a visitor is told about a host: values only, so that page, JSON and tests agree.

Pure: no I/O. `room` fills a View from what the provider and the waker say; `page` words it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from waitroom.errors import Reason


class State(enum.StrEnum):
    """The values of the `X-Waitroom` header."""

    ASLEEP = "asleep"  # the upstream is stopped; a wake is possible
    WAKING = "waking"  # it was started, or runs already, and the app does not answer yet
    READY = "ready"  # the app answers; the route leads, or is about to lead, to it
    DRAINING = "draining"  # it is about to be put to sleep; a visit calls that off
    FAILED = "failed"  # the last wake ended without the app; `reason` says why
    UNKNOWN = "unknown"  # the provider cannot be asked, or nobody registered the host


class Stage(enum.StrEnum):
    """How far a wake has come."""

    STOPPING = "stopping"  # the upstream is still going down; it is started right after
    STARTING = "starting"  # the provider was told to start it
    CONTAINER = "container"  # so was the engine: its container starts
    RESERVING = "reserving"  # the provider looks for a machine
    PREPARING = "preparing"  # it has one, and makes it ready
    ANSWERING = "answering"  # it runs; the app has not answered yet
    REPAIRING = "repairing"  # the provider mends the machine, and starts it after that
    UNHEALTHY = "unhealthy"  # the app answers, and its own health check keeps Traefik from it
    QUEUED = "queued"  # the provider has no machine free; it is asked again at growing pauses


class MemberState(enum.StrEnum):
    """What one of a group does while the group is woken."""

    WAITING = "waiting"  # for those that it needs
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Refusal(enum.StrEnum):
    """Why this visitor can't have the host woken now, whatever he does."""

    CLOSED = "closed"  # only its operators and its schedule wake it
    SPENT = "spent"  # a budget of wakes or of time awake is used up
    BUSY = "busy"  # as many hosts are being woken as may be at once
    HOURS = "hours"  # it is not woken at this time
    BARRED = "barred"  # this visitor is not let in, because of what came from where he is
    FAULT = "fault"  # the journal can't be used, and without it nothing is woken


@dataclass(frozen=True, slots=True)
class Refused:
    """A wake that is not to be had."""

    why: Refusal
    until: datetime | None = None  # aware UTC: when it may be asked for again, if that is known


@dataclass(frozen=True, slots=True)
class View:
    """One host as a visitor sees it at one moment."""

    host: str  # the name the visitor asked for, normalised
    state: State
    since: datetime  # aware UTC: when this state began, as far as is known
    elapsed_s: float = 0.0  # seconds since then
    expected_s: float | None = None  # how long a wake of this host usually takes, if known
    late_s: float | None = None  # only one past wake in ten took longer
    stage: Stage | None = None  # only while WAKING
    members: tuple[tuple[str, MemberState], ...] = ()  # of a group, by name; only while WAKING
    reason: Reason | None = None  # only when FAILED or UNKNOWN
    again_s: float | None = None  # only when FAILED: in how many seconds it may be tried again
    refused: Refused | None = None  # told only when ASLEEP or FAILED: what else needs no wake

    @property
    def is_wakeable(self) -> bool:
        """Whether a wake leads out of this state."""
        return self.state in (State.ASLEEP, State.FAILED)

    @property
    def scene(self) -> State | Refusal:
        """What the page shows: its state, or why it stays as it is."""
        return self.refused.why if self.refused and self.state is State.ASLEEP else self.state
