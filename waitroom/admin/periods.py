"""Which days a page looks at: a day, a week or a quarter, up to today or to an earlier day.

Pure. Days are those of UTC, as in the record: its hours can't be cut for every other zone.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from waitroom.record.occurrence import microseconds
from waitroom.record.summary import Window

_DAY = timedelta(days=1)
_FIRST = date(1970, 1, 1)


class Length(enum.StrEnum):
    """For how long."""

    DAY = "day"
    WEEK = "week"
    QUARTER = "quarter"


# So long the record keeps its hours: 90 days.
_DAYS = {Length.DAY: 1, Length.WEEK: 7, Length.QUARTER: 90}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last of them perhaps today."""

    length: Length
    last: date
    today: date

    @classmethod
    def parse(cls, asked: Mapping[str, str], today: date) -> Period:
        """Read `period` and `until` of a link; what is none of ours is a day, and today."""
        try:
            length = Length(asked.get("period", ""))
        except ValueError:
            length = Length.DAY
        try:
            last = date.fromisoformat(asked.get("until", ""))
        except ValueError:
            last = today
        return cls(length, min(max(last, _FIRST + 90 * _DAY), today), today)

    @property
    def days(self) -> list[date]:
        """Return its days, the oldest first."""
        count = _DAYS[self.length]
        return [self.last - n * _DAY for n in reversed(range(count))]

    def window(self, now: datetime) -> Window:
        """Return its time, as far as that has passed."""
        begin, end = (midnight(day) for day in (self.days[0], self.last + _DAY))
        return Window(microseconds(begin), microseconds(min(end, now)), microseconds(now))

    @property
    def earlier(self) -> str:
        """Return the query of the link to the one before."""
        return self._query(self.days[0] - _DAY)

    @property
    def later(self) -> str | None:
        """Return the query of the link to the one after; None: that has not come yet."""
        if self.last >= self.today:
            return None
        return self._query(min(self.last + _DAYS[self.length] * _DAY, self.today))

    def of(self, length: Length) -> str:
        """Return the query of the link to another length up to the same day."""
        return Period(length, self.last, self.today)._query(self.last)  # noqa: SLF001 - its own

    def _query(self, last: date) -> str:
        until = f"&until={last.isoformat()}" if last < self.today else ""
        return f"?period={self.length}{until}"


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
