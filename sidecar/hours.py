"""What each host did in each hour: requests, activity, seconds awake and asleep.

Pure: the past comes in through `recall`. One row holds a host's UTC day with its 24 hours, so that
it takes a tenth of the room of 24 documents, and a commit writes little. A request counts in the
hour in which it began: that stands in its line, while its end would have to be computed for each.
What is left of an hour that has passed, neither awake nor asleep, is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from sidecar.ledger import State

_HOURS = 24
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_HOUR_US = 3_600_000_000
_T = TypeVar("_T", int, float)
_Counts = Annotated[list[int], Meta(min_length=_HOURS, max_length=_HOURS)]
_Seconds = Annotated[list[float], Meta(min_length=_HOURS, max_length=_HOURS)]


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


class Hours:
    """Rows of the days that are being counted."""

    def __init__(
        self,
        rows: Iterable[Row] = (),
        recall: Callable[[str], Iterable[Row]] = lambda _: (),
    ) -> None:
        """`rows`: what was counted lately; `recall`: what was counted of an earlier day."""
        self._recall = recall
        self._days: dict[str, dict[str, Row]] = {}
        self._changed: dict[tuple[str, str], Row] = {}
        for row in rows:
            self._days.setdefault(row.day, {})[row.host] = row

    def count(self, host: str, hour: int, requests: int, activity: int) -> None:
        """Add requests of one hour since 1970."""
        day, hour = divmod(hour, _HOURS)
        row = self._row(host, day)
        row.requests[hour] += requests
        row.activity[hour] += activity

    def spend(self, host: str, state: State, start_us: int, end_us: int) -> None:
        """Add a span of the ledger."""
        if state is State.UNKNOWN:
            return
        while start_us < end_us:
            hours = start_us // _HOUR_US
            cut = min(end_us, (hours + 1) * _HOUR_US)
            day, hour = divmod(hours, _HOURS)
            row = self._row(host, day)
            spent = row.awake_s if state is State.AWAKE else row.asleep_s
            # As microseconds, which add up exactly; a float of seconds holds them for years.
            spent[hour] = (round(spent[hour] * 1e6) + cut - start_us) / 1e6
            start_us = cut

    def take_changed(self) -> list[Row]:
        """Return the rows that have changed since the last time."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    def before(self, day: str) -> list[Row]:
        """Return the rows of earlier days."""
        return [row for name, rows in self._days.items() if name < day for row in rows.values()]

    def forget_before(self, day: str) -> None:
        """Drop earlier days; they are recalled when something is added to them after all."""
        self._days = {name: rows for name, rows in self._days.items() if name >= day}
        self._changed = {key: row for key, row in self._changed.items() if row.day >= day}

    def _row(self, host: str, day_number: int) -> Row:
        day = name_of(day_number)
        rows = self._days.get(day)
        if rows is None:
            rows = self._days[day] = {row.host: row for row in self._recall(day)}
        row = rows.get(host)
        if row is None:
            row = rows[host] = unfold(Day(host, day, 0, 0, 0, 0))
        self._changed[row.key] = row
        return row


def name_of(day_number: int) -> str:
    """Return the date of a day since 1970, as it is written."""
    return date.fromordinal(_EPOCH_DAY + day_number).isoformat()


def fold(row: Row) -> Day:
    """Add up the hours of a day."""
    return Day(
        row.host, row.day, sum(row.requests), sum(row.activity),
        _sum(row.awake_s), _sum(row.asleep_s),
    )  # fmt: skip


def unfold(day: Day) -> Row:
    """Make a row of a day whose hours are not known any more: all is in the first."""

    def first(value: _T) -> list[_T | int]:
        return [value, *[0] * (_HOURS - 1)]

    return Row(
        day.host, day.day, first(day.requests), first(day.activity),
        first(day.awake_s), first(day.asleep_s),
    )  # fmt: skip


def load(documents: Iterable[object]) -> list[Row]:
    """Read a table. Raises: msgspec.ValidationError on foreign documents."""
    return msgspec.convert(list(documents), list[Row])


def _sum(seconds: list[float]) -> float:
    return sum(round(s * 1e6) for s in seconds) / 1e6
