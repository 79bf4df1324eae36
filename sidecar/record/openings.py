"""Notes how all hosts stood as a month began, until that stands in the month's file.

Pure. It is noted while the events come by, in the order in which they are recorded; they reach the
archive two days later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from sidecar.record.archive import month_of
from waitroom.record.ledger import Ledger
from waitroom.record.opening import Opening


class _Noted(Struct, frozen=True):
    """One month."""

    month: str  # 2026-01
    since: str  # its first event
    opening: Opening | None  # None: it is archived, or not known


class Openings:
    """Those that are not in the archive yet; of the newest month at least that it has begun."""

    def __init__(self, documents: Iterable[Any]) -> None:
        """Go on from `documents`. Raises: msgspec.ValidationError on foreign ones."""
        self._noted = msgspec.convert(list(documents), list[_Noted])

    def documents(self) -> list[Any]:
        """Return what a later process has to know."""
        return [msgspec.to_builtins(noted) for noted in self._noted]

    def look(self, at: str, number: int, ledger: Ledger) -> None:
        """Look at the next event, of this id, before the ledger knows it."""
        month = month_of(at)
        newest = self._noted[-1].month if self._noted else ""
        if month > newest:
            # The first month ever seen may be half over.
            opening = Opening(number - 1, ledger.document()) if newest else None
            self._noted.append(_Noted(month, at, opening))
        elif month < newest:
            self._noted = [
                noted if noted.month <= month else _Noted(noted.month, noted.since, None)
                for noted in self._noted
            ]

    def pending(self) -> dict[str, Opening]:
        """Return those that the archive has yet to take, by month."""
        return {noted.month: noted.opening for noted in self._noted if noted.opening}

    def forget_before(self, day: str) -> None:
        """Drop what the archive has, since it has all events before that day."""
        newest = self._noted[-1:]
        left = [noted for noted in self._noted if noted.since >= day]
        self._noted = left or [_Noted(noted.month, noted.since, None) for noted in newest]
