"""All events there are, from the archive and activity.json, for whoever reads beside the sidecar.

A month is read at a time, so years of them take no more memory than two. The order is the one in
which they were recorded: by their ids, whatever file holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from waitroom.record import standing
from waitroom.record.opening import Opening

_T = TypeVar("_T")
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _File(Struct, Generic[_T]):
    events: dict[int, _T] = {}


class _Beginning(Struct):
    opening: dict[int, Opening] = {}


class Past(Generic[_T]):
    """The events of a data folder, each of one shape; what is of another is passed over."""

    def __init__(self, data: Path, shape: type[_T]) -> None:
        self._data = data
        self._shape = shape
        self._decoder = msgspec.json.Decoder(_File[shape])  # type: ignore[valid-type]
        self.faults: list[str] = []  # what could not be read, a line each

    def opening(self, month: str) -> tuple[str, Opening | None]:
        """Return the newest month up to this one of which it is known how it began."""
        for path in reversed(files(self._data / "archive")):
            if path.stem <= month:
                for opening in _opening(path):
                    if standing.is_one(opening.ledger):
                        return path.stem, opening
        return "", None

    def events(self, month: str = "", after: int = 0) -> Iterator[_T]:
        """Return them in the order in which they were recorded.

        Without the files of the months before that one, and the events up to that id.
        """
        # This one first: what leaves it meanwhile is in the archive already.
        newest = self._read(self._data / "activity.json")
        batches = self._batches(newest, month)
        yield from in_order({n: e for n, e in batch.items() if n > after} for batch in batches)

    def _batches(self, newest: dict[int, _T], first: str) -> Iterator[dict[int, _T]]:
        for path in files(self._data / "archive"):
            if path.stem >= first:
                month = self._read(path)
                for number in newest.keys() & month.keys():  # the same event
                    del newest[number]
                yield month
        yield newest

    def _read(self, path: Path) -> dict[int, _T]:
        try:
            raw = path.read_bytes()
            return self._decode(raw)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.faults.append(f"{path}: can't be read: {error.strerror}")
        except _FAULTS as error:
            self.faults.append(f"{path}: is damaged: {error}")
        return {}

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


def _opening(path: Path) -> Iterable[Opening]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Beginning).opening.values()
    except (OSError, *_FAULTS):
        return ()


def in_order(batches: Iterable[Mapping[int, _T]]) -> Iterator[_T]:
    """Return what the batches hold by ascending ids.

    Each batch has ids above those of the batches before, but for a few: so what has passed can go.
    """
    held: dict[int, _T] = {}
    for batch in batches:
        first = min(batch, default=0)
        yield from [held.pop(number) for number in sorted(held) if number < first]
        held.update(batch)
    yield from [held.pop(number) for number in sorted(held)]


def files(folder: Path) -> list[Path]:
    """Return the files of an archive, oldest month first."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].json"))
