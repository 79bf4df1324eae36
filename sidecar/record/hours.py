"""What each host did in each hour: requests, activity, seconds awake and asleep.

Pure: the past comes in through `recall`. A request counts in the hour in which it began:
that stands in its line, while its end would have to be computed for each. What is left of an hour
that has passed, neither awake nor asleep, is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from waitroom.record.rows import HOURS, Day, Row, name_of, unfold
from waitroom.record.standing import State

_HOUR_US = 3_600_000_000
# Nobody asks for the hours of a longer time at once; a clock that is years ahead tells of such.
_LONGEST_US = 90 * HOURS * _HOUR_US


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
            self._rows(row.day)[row.host] = row

    def count(self, host: str, hour: int, requests: int, activity: int) -> None:
        """Add requests of one hour since 1970."""
        day, hour = divmod(hour, HOURS)
        row = self._row(host, day)
        row.requests[hour] += requests
        row.activity[hour] += activity

    def spend(self, host: str, state: State, start_us: int, end_us: int) -> None:
        """Add a span of the ledger."""
        if state is State.UNKNOWN or end_us - start_us > _LONGEST_US:
            return
        while start_us < end_us:
            hours = start_us // _HOUR_US
            cut = min(end_us, (hours + 1) * _HOUR_US)
            day, hour = divmod(hours, HOURS)
            self._add(self._row(host, day), hour, state, cut - start_us)
            start_us = cut

    def forget_time(self, since: str, archived: Iterable[str]) -> None:
        """Forget for how long hosts were awake from that day on; `archived`: those to recall."""
        for day in {*archived, *(day for day in self._days if day >= since)}:
            for row in self._rows(day).values():
                row.awake_s, row.asleep_s = [0.0] * HOURS, [0.0] * HOURS
                self._changed[row.key] = row

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

    def _add(self, row: Row, hour: int, state: State, spent_us: int) -> None:
        spent = row.awake_s if state is State.AWAKE else row.asleep_s
        # As microseconds, which add up exactly; a float of seconds holds them for years.
        known_us = [round(of[hour] * 1e6) for of in (row.awake_s, row.asleep_s)]
        # An hour that the clock has shown twice is one hour all the same.
        left_us = max(0, _HOUR_US - sum(known_us))
        spent[hour] = (round(spent[hour] * 1e6) + min(spent_us, left_us)) / 1e6

    def _row(self, host: str, day_number: int) -> Row:
        day = name_of(day_number)
        rows = self._rows(day)
        row = rows.get(host)
        if row is None:
            row = rows[host] = unfold(Day(host, day, 0, 0, 0, 0))
        self._changed[row.key] = row
        return row

    def _rows(self, day: str) -> dict[str, Row]:
        rows = self._days.get(day)
        if rows is None:
            rows = self._days[day] = {row.host: row for row in self._recall(day)}
        return rows
