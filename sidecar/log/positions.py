"""How far each generation of a log was read: what activity.json keeps of it.

Pure: values only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class Position(Struct, kw_only=True):
    """How far a generation was read; what activity.json keeps of it."""

    log: str  # the path of the log that it is a generation of
    path: str  # the file that carried it last
    device: int
    inode: int
    fingerprint: str  # digest of its first line
    offset: int = 0  # bytes read, uncompressed
    mark: str = ""  # digest of the bytes just before the offset
    finished: bool = False  # read to its end, and nobody writes it any more
    lost: bool = False  # it was said that more of it is nowhere to be found
    skipped: bool = False  # was there before us, and is not read
    newest: datetime | None = None  # the newest time that was counted in it
    after: datetime | None = None  # count only newer lines: the others were counted before


def load(documents: Iterable[Mapping[str, Any]]) -> list[Position]:
    """Read what was kept. Raises: msgspec.ValidationError on foreign documents."""
    return msgspec.convert(list(documents), list[Position])


def of(log: Path, positions: Iterable[Position]) -> list[Position]:
    """Return those of one log."""
    return [position for position in positions if position.log == str(log)]
