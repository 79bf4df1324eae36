"""An event as it is written and read: the one definition of its shape, also for the JSON Schema.

Pure: values only. A kind of event uses a few of the fields; those it does not use are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

ALL_HOSTS = "*"  # the host of an event that concerns every one
EPOCH = datetime.fromtimestamp(0, UTC)
_Moment = Annotated[datetime, Meta(tz=True)]


class ReadTo(Struct, frozen=True, gc=False):
    """How far a log was read."""

    path: str  # the file
    offset: int  # bytes


class Evidence(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a sleep rests on."""

    last_used: _Moment | None = None  # end of the last request that counts, or a gap in the log
    canary: str | None = None  # the canary whose own line came out of the log
    connections: int | None = None  # of Traefik to the upstream, at that moment
    log: ReadTo | None = None  # up to where the log was read then


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that happened to a host."""

    at: _Moment
    host: str  # `*`: to every host
    kind: str
    gate: str | None = None  # wake_requested: which gate let the visitor in
    visitor: str | None = None  # wake_requested: a pseudonym that is new each day
    proof: str | None = None  # wake_requested: what was shown for it, see waking.budgets
    asleep_since: _Moment | None = None  # wake_requested: if that was known
    by: str | None = None  # what an operator did: his name
    until: _Moment | None = None  # kept: awake until then
    force: bool | None = None  # sleep_requested: also if somebody uses it
    took_s: float | None = None  # woken: from the request to the app's first answer
    reason: str | None = None  # why it failed, was refused or called off
    detail: str | None = None  # the same in words
    idle_s: float | None = None  # sleep_started, slept: for so long it had not been used
    evidence: Evidence | None = None  # slept
    step_s: float | None = None  # clock_step: by how much the clock was set
    unwatched_s: float | None = None  # watch_started: for so long nobody had watched; none: ever
    rebooted: bool | None = None  # watch_started: meanwhile the machine was off

    def at_us(self) -> int:
        """Return its time in microseconds since 1970."""
        return microseconds(self.at)


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, which add up without rounding."""
    return round(moment.timestamp() * 1_000_000)


def is_event(document: Mapping[str, object]) -> bool:
    """Whether a decoded document has what every event has, also one of a newer version."""
    return all(isinstance(document.get(name), str) for name in ("at", "host", "kind"))


def convert(document: object) -> Event | None:
    """Read an event from a decoded document; None if it is none."""
    try:
        return msgspec.convert(document, Event, strict=True)
    except msgspec.ValidationError:
        return None


def moment_of(us: int) -> datetime:
    """Return the moment that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=us)
