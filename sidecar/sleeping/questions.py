"""What must hold for a host to be put to sleep, each as a question with its answer as data.

The handshake demands the answers and `explain` shows them, so the two can't disagree. A question
changes nothing and never raises: what can't be told does not hold, for unknown means in use.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

from sidecar.sleeping import connections
from waitroom.errors import WaitroomError
from waitroom.idle import Use, idle_for, is_forced, standing, wished
from waitroom.registry.hosts import Host
from waitroom.registry.values import Route
from waitroom.upstreams.base import Status
from waitroom.upstreams.fronts import restarting, serving


class Why(enum.StrEnum):
    """Why a host is not put to sleep; a closed set, written into the events."""

    USED = "used"  # there was activity after all
    KEPT = "kept"  # a window or an operator keeps it awake
    VISITOR = "visitor"  # somebody came while it drained
    CONNECTIONS = "connections"  # Traefik has connections to it open
    WAKING = "waking"  # the waiting room is starting it
    NOT_RUNNING = "not_running"  # there is nothing to put to sleep
    NOT_OBSERVED = "not_observed"  # Traefik's connections can't be seen from here
    NOT_SHADOWED = "not_shadowed"  # the shadow is not in force, or no waiting room answers
    NOT_READ = "not_read"  # the log is not read, or the canary's line did not come out of it
    NOT_KNOWN = "not_known"  # the provider does not say what the upstream does
    ROUTES = "routes"  # the routes folder can't be written
    ENDING = "ending"  # the sidecar itself was told to end


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one condition holds now."""

    holds: bool
    why: Why  # the reason not to sleep, if it does not
    text: str  # what was found, for people


class CalledOff(Exception):  # noqa: N818 - a decision, not an error
    """The host is not put to sleep now, and runs as before."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why


def is_unused(host: Host, use: Use, now: datetime) -> Answer:
    """Whether nobody has used it for `idle_after`, or since an operator wished it to sleep."""
    idle_s, after_s = (idle_for(use, now).total_seconds(), host.idle_after.total_seconds())
    text = f"unused for {idle_s:.0f} s, idle_after is {after_s:.0f} s"
    wish = wished(use, now)
    if wish:
        how = "by force" if wish.force else "and nobody came since"
        text += f"; {wish.by} ordered it to sleep, {how}"
    elif standing(use.wish, now):
        text += "; somebody came after an operator ordered it to sleep"
    return Answer(idle_s >= after_s or wish is not None, Why.USED, text)


def is_not_kept(use: Use, now: datetime) -> Answer:
    """Whether no window of `awake` holds and no operator keeps it awake, or one forces it."""
    if use.kept_until is None or use.kept_until <= now:
        return Answer(holds=True, why=Why.KEPT, text="nothing keeps it awake")
    text = f"kept awake until {moment(use.kept_until)}"
    if is_forced(use, now):
        return Answer(holds=True, why=Why.KEPT, text=f"{text}, but forced to sleep")
    return Answer(holds=False, why=Why.KEPT, text=text)


def is_running(status: Status) -> Answer:
    """Whether there is something to put to sleep."""
    text = f"its upstream is {status.detail or status.phase}"
    return Answer(status.runs, Why.NOT_RUNNING, text)


def is_quiet(host: Host, status: Status | None) -> Answer:
    """Whether nobody is connected to it: what has no line in the log before it ends."""
    fronts = serving(host, status)
    if not fronts:
        return Answer(holds=True, why=Why.CONNECTIONS, text="the app itself is stopped already")
    ended = restarting(host, status)
    counts: dict[str, int] = {}
    for front in fronts:
        if not front.url:
            return cannot_see("its address is not known, nor who is connected to it")
        try:
            counts[front.url] = connections.open_to(front.url)
        except connections.NoAddress as error:
            if front not in ended:
                return cannot_see(str(error))
            counts[front.url] = 0  # a container that has ended is in no network
        except WaitroomError as error:
            return cannot_see(str(error))
    count = sum(counts.values())
    text = " and ".join(f"{count} connections to {url}" for url, count in counts.items())
    text += " are open"
    if count and host.route is Route.OWN:
        text += (
            "; if nobody uses it, its service in Traefik needs"
            " `serversTransport: waitroom-app@file`, or idle ones stay for 90 s"
        )
    return Answer(not count, Why.CONNECTIONS, text)


def is_left(host: Host, status: Status | None, use: Use, now: datetime) -> Answer:
    """Whether nobody is connected to it, or an operator forces it to sleep all the same."""
    answer = is_quiet(host, status)
    if not answer.holds and is_forced(use, now):
        return Answer(holds=True, why=answer.why, text=f"{answer.text}, but forced to sleep")
    return answer


def moment(at: datetime) -> str:
    """Return a moment as people read it in our answers: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cannot_see(text: str) -> Answer:
    """Answer that there is no telling who is connected."""
    return Answer(holds=False, why=Why.NOT_OBSERVED, text=text)
