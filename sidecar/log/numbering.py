"""Completeness: Traefik numbers its requests, so a line that never came leaves a hole.

Pure. `RequestCount` is contiguous in one Traefik process and begins anew with the next. Lines are
written when requests end, so they come out of order, and a request that is under way is a hole
too. A hole counts as missing when the process has ended, or many requests later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from traefik.access_log import Entry

_PATIENCE = 10_000  # requests that may overtake another before it counts as missing
_REMEMBERED = 10_000  # holes; they stand in activity.json
_AT_ONCE = 100  # requests under way when the first line of all was written, or more


class Numbering:
    """Which numbers have not come yet."""

    def __init__(self, settled: int = 0, following: int = 0, holes: Iterable[int] = ()) -> None:
        self.settled = settled  # missing for good
        self.following = following  # the number after the highest so far; 0: none yet
        self.holes = set(holes)

    @classmethod
    def load(cls, documents: Iterable[Mapping[str, Any]]) -> Numbering:
        """Read what `document` has said, if it has."""
        for document in documents:
            return cls(document["settled"], document["following"], document["holes"])
        return cls()

    def document(self) -> dict[str, Any]:
        """Return it as it stands in activity.json."""
        return {
            "settled": self.settled,
            "following": self.following,
            "holes": sorted(self.holes),
        }

    def missing(self) -> int:
        """Return how many requests have no line, as far as can be said. Any thread may ask."""
        late = self.following - _PATIENCE
        return self.settled + sum(number < late for number in tuple(self.holes))

    def add(self, entries: list[Entry]) -> None:
        """Take in the numbers of some lines, in the order of the log."""
        ordered = [entry.number for entry in entries]
        if self.following and ordered == list(range(self.following, self.following + len(ordered))):
            self.following += len(ordered)  # all that came next, which is common and fast
            return
        numbers = set(ordered)
        numbers.discard(0)  # the log does not keep the field
        if not numbers:
            return
        if not self.following:
            self._add_first(filter(None, ordered))
        elif {number for number in numbers if number < self.following} <= self.holes:
            self._add(numbers)
        else:
            self._add_in_order(filter(None, ordered))

    def _add_first(self, ordered: Iterable[int]) -> None:
        for numbers in _processes(ordered):
            self._begin(following=0)
            self._add(numbers)

    def _add_in_order(self, ordered: Iterable[int]) -> None:
        """Take in lines of more than one process; another begins somewhere among them."""
        for number in ordered:
            if number < self.following and number not in self.holes:
                self._begin(following=1)
            self._add({number})

    def _begin(self, following: int) -> None:
        self.settled += len(self.holes)
        self.holes.clear()
        self.following = following

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


def _processes(ordered: Iterable[int]) -> Iterator[set[int]]:
    """Part the first lines of all into those of each Traefik process.

    Nothing tells where a process was when we came, so the next one begins where a number comes
    again, or is lower by far than requests under way at once would make it.
    """
    numbers: set[int] = set()
    highest = 0
    for number in ordered:
        if number in numbers or number * 2 + _AT_ONCE < highest:
            yield numbers
            numbers, highest = set(), 0
        numbers.add(number)
        highest = max(highest, number)
    yield numbers
