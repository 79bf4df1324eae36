"""How hosts stand, as the ledger keeps it: in activity.json, and in an opening of the archive.

Pure: values only. Moments are steady microseconds, see `ledger`.
"""

from __future__ import annotations

import enum

import msgspec
from msgspec import Struct


class State(enum.StrEnum):
    """What a host does, as far as money is concerned."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    UNKNOWN = "unknown"


class Account(Struct):
    """What is known of one host."""

    host: str
    since: int  # up to here its time has been told
    latest: int  # its newest event
    state: State = State.UNKNOWN
    asked: int | None = None  # a wake was requested then, and has not ended
    stopping: bool = False  # a sleep has begun, and has not ended
    doubt: int | None = None  # from then on nobody watched,
    settled: int = 0  # and by then it would have been noticed
    requested: int | None = None  # its newest request of a wake without an end
    woken: int | None = None  # when the wake was requested that it is awake by


class Step(Struct, frozen=True, array_like=True):
    """From when on the clock was set otherwise."""

    since: int
    offset: int  # wall minus steady time from then on
    joined: bool = False  # the machine was off just then: what a host did before and does after


class Standing(Struct):
    """What is known of all."""

    began: int | None = None
    newest: int = 0
    steps: list[Step] = msgspec.field(default_factory=lambda: [Step(0, 0)])  # never empty
    accounts: list[Account] = msgspec.field(default_factory=list)


def load(document: object) -> Standing:
    """Read it. Raises: msgspec.ValidationError."""
    return msgspec.convert(document, Standing)


def is_one(document: object) -> bool:
    """Whether a document can be read; a newer version's perhaps can't."""
    try:
        load(document)
    except msgspec.ValidationError:
        return False
    return True
