"""Completeness: Traefik numbers its requests, so a line that never came leaves a hole.

Pure. `RequestCount` is contiguous in one Traefik process and begins anew with the next. Lines are
written when requests end, so they come out of order, and a request that is under way is a hole
too. A hole counts as missing when the process has ended, or many requests later.
"""

from __future__ import annotations

from collections.abc import Iterable

from traefik.access_log import Entry

_PATIENCE = 10_000  # requests that may overtake another before it counts as missing
_REMEMBERED = 10_000  # holes; they stand in activity.json


class Numbering:
    """Which numbers have not come yet."""

    def __init__(self, settled: int = 0, following: int = 0, holes: Iterable[int] = ()) -> None:
        self.settled = settled  # missing for good
        self.following = following  # the number after the highest so far; 0: none yet
        self.holes = set(holes)

    def missing(self) -> int:
        """Return how many requests have no line, as far as can be said."""
        late = self.following - _PATIENCE
        return self.settled + sum(number < late for number in self.holes)

    def add(self, entries: list[Entry]) -> None:
        """Take in the numbers of some lines, in the order of the log."""
        numbers = {entry.number for entry in entries}
        numbers.discard(0)  # the log does not keep the field
        if not numbers:
            return
        first, last = min(numbers), max(numbers)
        if first == self.following and last - first < len(numbers):  # all that came next
            self.following = last + 1
        elif first >= self.following or self._are_holes(numbers):
            self._add(numbers)
        else:
            self._add_in_order(entries)

    def _add_in_order(self, entries: list[Entry]) -> None:
        """Take in lines of more than one process; another begins somewhere among them."""
        for number in filter(None, (entry.number for entry in entries)):
            if number < self.following and number not in self.holes:
                self._begin()
            self._add({number})

    def _are_holes(self, numbers: set[int]) -> bool:
        return {n for n in numbers if n < self.following} <= self.holes

    def _begin(self) -> None:
        self.settled += len(self.holes)
        self.holes.clear()
        self.following = 1

    def _add(self, numbers: set[int]) -> None:
        # Of the first line of all it is not known how many went before it.
        first, last = self.following or min(numbers), max(numbers)
        if last - first < _REMEMBERED:
            self.holes.update(range(first, last + 1))
        else:
            self.settled += last + 1 - first - len(numbers)
        self.following = max(self.following, last + 1)
        self.holes -= numbers
        for number in sorted(self.holes)[:-_REMEMBERED] if len(self.holes) > _REMEMBERED else ():
            self.holes.remove(number)
            self.settled += 1
