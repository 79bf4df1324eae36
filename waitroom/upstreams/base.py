"""What every provider offers, and nothing of how it does it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Phase(enum.StrEnum):
    """What an upstream is doing, whatever its provider calls it."""

    STOPPED = "stopped"  # costs nothing; can be started
    STARTING = "starting"
    RUNNING = "running"  # the machine runs; whether the app answers is another question
    PARTLY = "partly"  # of a group some run and some don't; `start` or `stop` goes on with it
    RESTARTING = "restarting"  # it has ended, and its provider starts it again: that costs, too
    STOPPING = "stopping"
    REPAIRING = "repairing"  # the provider mends the machine; there is nothing to do but wait


@dataclass(frozen=True, slots=True)
class Member:
    """One of a group."""

    name: str  # as its operator knows it, for visitors and logs
    container: str
    phase: Phase  # STARTING also while it runs and is not healthy


@dataclass(frozen=True, slots=True)
class Status:
    """The provider's answer at one moment."""

    phase: Phase
    # Aware UTC. None: not running, the provider can't tell, or has started it again by itself.
    started_at: datetime | None = None
    detail: str = ""  # the provider's own word for it, for logs
    url: str | None = None  # where the app answers, of an upstream whose address the provider knows
    members: tuple[Member, ...] = ()  # of a group; the first is the app that its host leads to
    trouble: str = ""  # for its operator: why visitors may not reach it, though it runs

    @property
    def runs(self) -> bool:
        """Whether there is something to put to sleep, whole or in part."""
        return self.phase in (Phase.RUNNING, Phase.RESTARTING, Phase.PARTLY)


class Upstream(Protocol):
    """One upstream. Each method may block on the provider for seconds: give it a thread.

    `start` and `stop` only begin; the next `status` tells. Each is harmless when there is nothing
    to do, and goes on with what is done in part. Raises: UpstreamError, and nothing else.
    """

    def status(self) -> Status:
        """Ask the provider what the upstream is doing."""

    def start(self) -> None:
        """Begin to start it, from whatever kind of sleep it is in."""

    def stop(self) -> None:
        """Begin to put it to sleep."""

    def lacks(self) -> Sequence[str]:
        """Name the permissions that a start needs and we lack; none where that can't be asked."""
        return ()
