"""What each host did in each hour: requests, activity, seconds awake and asleep.

Pure: the past comes in through `recall`. One row holds a host's UTC day with its 24 hours, so that
it takes a tenth of the room of 24 documents, and a commit writes little. A request counts in the
hour in which it began: that stands in its line, while its end would have to be computed for each.
What is left of an hour that has passed, neither awake nor asleep, is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from sidecar.ledger import State

_HOURS = 24
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_HOUR_US = 3_600_000_000
_Counts = Annotated[list[int], Meta(min_length=_HOURS, max_length=_HOURS)]
_Seconds = Annotated[list[float], Meta(min_length=_HOURS, max_length=_HOURS)]


class HoursDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A host's day by the hour; each list begins with the hour from 0:00 to 1:00 UTC."""

    host: str
    day: str  # 2026-01-31
    requests: _Counts
    activity: _Counts
    awake_s: _Seconds
    asleep_s: _Seconds


class DayDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The same once nobody asks for the hours any more."""

    host: str
    day: str
    requests: int
    activity: int
    awake_s: float
    asleep_s: float


@dataclass(slots=True)
class Row:
    """A host's day; times are microseconds, which add up without rounding."""

    host: str
    day: str
    requests: list[int] = field(default_factory=lambda: [0] * _HOURS)
    activity: list[int] = field(default_factory=lambda: [0] * _HOURS)
    awake_us: list[int] = field(default_factory=lambda: [0] * _HOURS)
    asleep_us: list[int] = field(default_factory=lambda: [0] * _HOURS)

    @property
    def key(self) -> tuple[str, str]:
        """Return what there is one of: day and host."""
        return self.day, self.host

    def document(self) -> HoursDocument:
        """Return it as it stands in activity.json."""
        return HoursDocument(
            self.host, self.day, self.requests, self.activity,
            [us / 1e6 for us in self.awake_us], [us / 1e6 for us in self.asleep_us],
        )  # fmt: skip

    @classmethod
    def load(cls, document: HoursDocument | DayDocument) -> Row:
        """Read such a document; where the hours are not known any more, all is in the first."""
        if isinstance(document, DayDocument):
            document = _in_first_hour(document)
        return cls(
            document.host, document.day, document.requests, document.activity,
            [round(s * 1e6) for s in document.awake_s],
            [round(s * 1e6) for s in document.asleep_s],
        )  # fmt: skip


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
            spent = row.awake_us if state is State.AWAKE else row.asleep_us
            spent[hour] += cut - start_us
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
            row = rows[host] = Row(host, day)
        self._changed[row.key] = row
        return row


def name_of(day_number: int) -> str:
    """Return the date of a day since 1970, as it is written."""
    return date.fromordinal(_EPOCH_DAY + day_number).isoformat()


def fold(document: HoursDocument) -> DayDocument:
    """Add up the hours of a day."""
    return DayDocument(
        document.host, document.day, sum(document.requests), sum(document.activity),
        _sum(document.awake_s), _sum(document.asleep_s),
    )  # fmt: skip


def _sum(seconds: list[float]) -> float:
    return sum(round(s * 1e6) for s in seconds) / 1e6


def _in_first_hour(document: DayDocument) -> HoursDocument:
    rest = [0] * (_HOURS - 1)
    return HoursDocument(
        document.host, document.day, [document.requests, *rest], [document.activity, *rest],
        [document.awake_s, *map(float, rest)], [document.asleep_s, *map(float, rest)],
    )  # fmt: skip


def load(documents: Iterable[object]) -> list[Row]:
    """Read a table. Raises: msgspec.ValidationError on foreign documents."""
    return [Row.load(each) for each in msgspec.convert(list(documents), list[HoursDocument])]
