"""A file of the record as documents that are not read yet: of most only the host is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from waitroom.errors import WaitroomError
from waitroom.record.opening import Opening

# What reading JSON raises that is not ours, or torn.
FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_is_month = re.compile(r"\d{4}-\d{2}\.json", re.ASCII).fullmatch

_T = TypeVar("_T")
_S = TypeVar("_S", bound=Struct)


class File(Struct):
    """activity.json, or a month of the archive; documents by their ids."""

    opening: dict[int, Opening] = {}
    events: dict[int, Raw] = {}
    hours: dict[int, Raw] = {}
    days: dict[int, Raw] = {}


class Archived(Struct, frozen=True):
    """Which events the archive has: those up to an id that are older than a day."""

    before: str = ""  # 2026-01-31
    last_id: int = 0


class _Named(Struct, gc=False):
    host: str


_named = msgspec.json.Decoder(_Named).decode


def load(path: Path, shape: type[_S]) -> _S:
    """Read a file; where there is none, nothing is in it. Raises: WaitroomError."""
    return read(path, lambda raw: msgspec.json.decode(raw, type=shape), shape)


def read(path: Path, decode: Callable[[bytes], _T], nothing: Callable[[], _T]) -> _T:
    """Read a file; where there is none, return `nothing`. Raises: WaitroomError."""
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return nothing()
    except OSError as error:
        raise WaitroomError(f"{path}: can't be read: {error.strerror}") from error
    except FAULTS as error:
        raise WaitroomError(f"{path}: is damaged: {error}") from error


def months(folder: Path) -> list[Path]:
    """Return the files of an archive, oldest month first. Raises: WaitroomError."""
    try:
        return files(folder)
    except OSError as error:
        raise WaitroomError(f"{folder}: can't be read: {error.strerror}") from error


def files(folder: Path) -> list[Path]:
    """Return the files of an archive, oldest month first; without one none. Raises: OSError."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in paths if _is_month(path.name)]


def of_hosts(
    table: Mapping[int, Raw], hosts: tuple[str, ...] | None, shape: type[_T]
) -> Iterator[tuple[int, _T]]:
    """Yield the documents of these hosts; None: of all. What is of another shape is passed over."""
    for number, raw in table.items():
        try:
            if hosts is None or _named(raw).host in hosts:
                yield number, msgspec.json.decode(raw, type=shape)
        except FAULTS:
            continue
