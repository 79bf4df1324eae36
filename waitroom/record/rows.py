"""A row of the record: what a host did in each hour of a day.

Pure: values only. One row holds a UTC day with its 24 hours, so that it takes a tenth of the room
of 24 documents, and a commit writes little.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

HOURS = 24
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_T = TypeVar("_T", int, float)
_Counts = Annotated[list[int], Meta(min_length=HOURS, max_length=HOURS)]
_Seconds = Annotated[list[float], Meta(min_length=HOURS, max_length=HOURS)]


class Row(Struct, forbid_unknown_fields=True):
    """A host's day by the hour; each list begins with the hour from 0:00 to 1:00 UTC."""

    host: str
    day: str  # 2026-01-31
    requests: _Counts
    activity: _Counts
    awake_s: _Seconds
    asleep_s: _Seconds

    @property
    def key(self) -> tuple[str, str]:
        """Return what there is one of: day and host."""
        return self.day, self.host


class Day(Struct, frozen=True, forbid_unknown_fields=True):
    """The same once nobody asks for the hours any more."""

    host: str
    day: str
    requests: int
    activity: int
    awake_s: float
    asleep_s: float


def name_of(day_number: int) -> str:
    """Return the date of a day since 1970, as it is written; they end with the year 9999."""
    ordinal = min(max(_EPOCH_DAY + day_number, 1), date.max.toordinal())
    return date.fromordinal(ordinal).isoformat()


def fold(row: Row) -> Day:
    """Add up the hours of a day."""
    return Day(
        row.host, row.day, sum(row.requests), sum(row.activity),
        _sum(row.awake_s), _sum(row.asleep_s),
    )  # fmt: skip


def unfold(day: Day) -> Row:
    """Make a row of a day whose hours are not known any more: all is in the first."""

    def first(value: _T) -> list[_T | int]:
        return [value, *[0] * (HOURS - 1)]

    return Row(
        day.host, day.day, first(day.requests), first(day.activity),
        first(day.awake_s), first(day.asleep_s),
    )  # fmt: skip


def load(documents: Iterable[object]) -> list[Row]:
    """Read a table. Raises: msgspec.ValidationError on foreign documents."""
    return msgspec.convert(list(documents), list[Row])


def _sum(seconds: list[float]) -> float:
    return sum(round(s * 1e6) for s in seconds) / 1e6
