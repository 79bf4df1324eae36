"""A file of the record as documents that are not read yet: of most only the host is asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from waitroom.record.opening import Opening

log = logging.getLogger(__name__)

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
    """Read a file; one that can't be read has nothing in it, and the log says so."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except FileNotFoundError:
        return shape()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.warning("%s: can't be read: %s", path, error)
        return shape()


def those(
    table: Mapping[int, Raw], hosts: tuple[str, ...], shape: type[_T]
) -> Iterator[tuple[int, _T]]:
    """Yield the documents of these hosts; what is of another shape is passed over."""
    for number, raw in table.items():
        try:
            if _named(raw).host in hosts:
                yield number, msgspec.json.decode(raw, type=shape)
        except msgspec.ValidationError:
            continue
