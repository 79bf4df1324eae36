"""Compressed files that carry a generation of a log.

A copy that was cut off, or is still being written, must never be taken for a whole one: each
format is followed to its own end, and what ends before that is an error.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sidecar.log import sources
from sidecar.log.sources import Stamp

# What the readers raise, EOFError for a file that was cut off.
_READ_ERRORS = (OSError, EOFError, lzma.LZMAError, zlib.error, struct.error)


class _Unpacked(Protocol):
    """A compressed file, as the standard library reads it."""

    def read(self, size: int) -> bytes: ...
    def seek(self, offset: int, /) -> object: ...
    def close(self) -> None: ...


def _zstd(path: Path) -> _Unpacked:
    from sidecar.log import zstd_file  # noqa: PLC0415 - most logs need no zstandard

    return zstd_file.ZstdFile(path)


SUFFIXES: dict[str, Callable[[Path], _Unpacked]] = {
    ".gz": gzip.GzipFile,
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
    ".zst": _zstd,
}


class CompressedFile:
    """A compressed file, read once from front to back."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises: OSError."""
        self._file = SUFFIXES[path.suffix](path)
        stat = path.stat()
        self._stamp = sources.stamp_of(stat)
        self.path, self.device, self.inode, self.ended = str(path), stat.st_dev, stat.st_ino, True
        self._buffer = b""  # what was unpacked from `_start` on
        self._start = 0

    def read(self, size: int, offset: int) -> bytes:
        """Read as Source says; going far back means to unpack again."""
        try:
            return self._read(size, offset)
        except _READ_ERRORS as error:
            raise OSError(f"{self.path}: can't be unpacked: {error}") from error

    def _read(self, size: int, offset: int) -> bytes:
        known = self._start + len(self._buffer)
        if self._start <= offset <= known:
            self._buffer = self._buffer[offset - self._start :]
        else:
            self._file.seek(offset)
            self._buffer = b""
        self._start = offset
        while len(self._buffer) < size:
            more = self._file.read(size - len(self._buffer))
            if not more:
                break
            self._buffer += more
        return self._buffer[:size]

    def size(self) -> None:
        """Only unpacking would tell."""
        return

    def stamp(self) -> Stamp:
        """Return what it was when it was opened."""
        return self._stamp

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def is_abandoned(self) -> bool | None:
        """Whoever packed it writes no more to it."""
        return True
