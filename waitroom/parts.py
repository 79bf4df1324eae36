"""What looks after the hosts, put together: the waiting room without its listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from traefik.folder import RouteFolder
from waitroom.found_stopped import FoundStopped
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Front, Host, TotalBudget
from waitroom.room import Room
from waitroom.upkeep import Upkeep
from waitroom.upstreams.base import Upstream
from waitroom.waking.course import Course
from waitroom.waking.grants import Grants
from waitroom.waking.outcomes import Outcomes
from waitroom.waking.statuses import Statuses
from waitroom.waking.stops import Stops
from waitroom.waking.wake import Waker


@dataclass(frozen=True, slots=True)
class Parts:
    """Each in the singular: they share what they know in memory."""

    journal: Journal
    outcomes: Outcomes
    statuses: Statuses
    waker: Waker
    upkeep: Upkeep
    room: Room


def put_together(
    *,
    data: Path,
    folder: RouteFolder,
    journal: Journal,
    budget: Callable[[], TotalBudget],
    connect: Callable[[Host], Upstream],
    probe: Callable[[Host, Front], bool],
    url: str,
) -> Parts:
    """Make all of them; nothing runs yet.

    `budget`: that of all hosts together, as hosts.yaml says now; `url`: where Traefik finds us.
    """
    locks = HostLocks(data)
    stops = Stops(data, folder, locks)
    outcomes = Outcomes()
    statuses = Statuses(connect)
    course = Course(
        connect=connect,
        probe=probe,
        folder=folder,
        journal=journal,
        locks=locks,
        stops=stops,
        outcomes=outcomes,
    )
    waker = Waker(
        course=course,
        folder=folder,
        outcomes=outcomes,
        grants=Grants(journal, folder, budget),
        on_end=statuses.forget,
    )
    found_stopped = FoundStopped(connect, folder, journal, locks)
    upkeep = Upkeep(
        found_stopped=found_stopped,
        statuses=statuses,
        waker=waker,
        folder=folder,
        locks=locks,
        stops=stops,
        url=url,
    )
    room = Room(
        statuses=statuses,
        waker=waker,
        folder=folder,
        stops=stops,
        outcomes=outcomes,
        found_stopped=found_stopped,
    )
    return Parts(journal, outcomes, statuses, waker, upkeep, room)
