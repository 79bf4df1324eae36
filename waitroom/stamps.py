"""A file's stamp: another one whenever it is replaced or written, or its owner or mode mended."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size_bytes: int
    modified_ns: int  # since 1970
    owner: int
    mode: int


def stamp(path: Path) -> Stamp | None:
    """Return it; None where no file can be seen."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return Stamp(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_uid, stat.st_mode)
