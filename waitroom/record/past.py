"""All events there are, from the archive and activity.json, for whoever reads beside the sidecar.

A month is read at a time, so years of them take no more memory than two. The order is the one in
which they were recorded: by their ids, whatever file holds them. A clock that was ahead has put
events into files of months to come, so the files are sorted by their first ids.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from waitroom.errors import WaitroomError
from waitroom.record import documents, standing
from waitroom.record.opening import Opening

_T = TypeVar("_T")
_R = TypeVar("_R")


class _File(Struct, Generic[_T]):
    events: dict[int, _T] = {}


class _Beginning(Struct):
    opening: dict[int, Opening] = {}


class _Events(Struct):
    events: Raw = Raw(b"{}")


_events = msgspec.json.Decoder(_Events).decode
_first_key = re.compile(rb'\s*\{\s*"(\d+)"').match
_beginning = msgspec.json.Decoder(_Beginning).decode


class Past(Generic[_T]):
    """The events of a data folder, each of one shape; what is of another is passed over."""

    def __init__(self, data: Path, shape: type[_T]) -> None:
        self._data = data
        self._shape = shape
        self._decoder = msgspec.json.Decoder(_File[shape])  # type: ignore[valid-type]
        self.faults: list[str] = []  # what could not be read, a line each

    def opening(self, month: str) -> tuple[str, Opening | None]:
        """Return the newest month up to this one of which it is known how it began."""
        for path in reversed(self._files()):
            if path.stem <= month:
                for opening in self._read(path, _beginning, _Beginning).opening.values():
                    if standing.is_one(opening.ledger):
                        return path.stem, opening
        return "", None

    def events(
        self, month: str = "", after: int = 0, newest: Mapping[int, _T] | None = None
    ) -> Iterator[_T]:
        """Return them in the order in which they were recorded.

        Without the files of the months before that one, and the events up to that id. `newest`:
        those of activity.json, if they are at hand.
        """
        # These first: what leaves them meanwhile is in the archive already.
        if newest is None:
            newest = self._events(self._data / "activity.json")
        months = (self._events(path) for path in self._sorted(month))
        batches = itertools.chain([newest], months)
        yield from in_order({n: e for n, e in batch.items() if n > after} for batch in batches)

    def _sorted(self, month: str) -> list[Path]:
        """Return the files from that month on, sorted by their first ids."""
        paths = [path for path in self._files() if path.stem >= month]
        firsts = {path: self._read(path, _first_id, int) for path in paths}
        return sorted(paths, key=firsts.__getitem__)

    def _events(self, path: Path) -> dict[int, _T]:
        return self._read(path, self._decode, dict)

    def _read(self, path: Path, decode: Callable[[bytes], _R], nothing: Callable[[], _R]) -> _R:
        return self._or_fault(lambda: documents.read(path, decode, nothing), nothing)

    def _files(self) -> list[Path]:
        return self._or_fault(lambda: documents.months(self._data / "archive"), list)

    def _or_fault(self, ask: Callable[[], _R], nothing: Callable[[], _R]) -> _R:
        """Ask; what can't be read has nothing in it, and is a fault, once."""
        try:
            return ask()
        except WaitroomError as error:
            if str(error) not in self.faults:
                self.faults.append(str(error))
            return nothing()

    def _decode(self, raw: bytes) -> dict[int, _T]:
        try:
            return self._decoder.decode(raw).events
        except msgspec.ValidationError:
            return dict(self._one_by_one(msgspec.json.decode(raw, type=_File[Any])))

    def _one_by_one(self, file: _File[Any]) -> Iterator[tuple[int, _T]]:
        for number, document in file.events.items():
            try:
                # Its moments are texts still, as in JSON.
                yield number, msgspec.convert(document, self._shape, strict=True)
            except msgspec.ValidationError:
                continue


def _first_id(raw: bytes) -> int:
    """Return the first id of a file's events, which stand in the order of their ids; 0: of none."""
    first = _first_key(_events(raw).events)
    return int(first[1]) if first else 0


def in_order(batches: Iterable[Mapping[int, _T]]) -> Iterator[_T]:
    """Return what the batches hold by ascending ids, each once.

    After the first batch, each begins with an id above that of the one before: so what is below can
    go.
    """
    held: dict[int, _T] = {}
    for batch in batches:
        first = min(batch, default=0)
        yield from [held.pop(number) for number in sorted(held) if number < first]
        held.update(batch)
    yield from [held.pop(number) for number in sorted(held)]
