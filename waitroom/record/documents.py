"""A file of the record as documents that are not read yet: of most only the host is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from waitroom.errors import WaitroomError
from waitroom.record.opening import Opening
from waitroom.record.past import FAULTS, files

_T = TypeVar("_T")
_S = TypeVar("_S", bound=Struct)


class File(Struct):
    """activity.json, or a month of the archive; documents by their ids."""

    opening: dict[int, Opening] = {}
    events: dict[int, Raw] = {}
    hours: dict[int, Raw] = {}
    days: dict[int, Raw] = {}


class _Named(Struct, gc=False):
    host: str


_named = msgspec.json.Decoder(_Named).decode


def load(path: Path, shape: type[_S]) -> _S:
    """Read a file; where there is none, nothing is in it. Raises: WaitroomError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except FileNotFoundError:
        return shape()
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


def those(
    table: Mapping[int, Raw], hosts: tuple[str, ...] | None, shape: type[_T]
) -> Iterator[tuple[int, _T]]:
    """Yield the documents of these hosts; None: of all. What is of another shape is passed over."""
    for number, raw in table.items():
        try:
            if hosts is None or _named(raw).host in hosts:
                yield number, msgspec.json.decode(raw, type=shape)
        except FAULTS:
            continue
