"""Generations of a log: each life of it from its first line on, whatever file carries it now.

A log is renamed, copied, truncated, compressed, and its inode is given to the next file. What
stays is its first line, which no other generation has (its time has nanoseconds). So a generation
IS its first line; files (live, rotated, copied, compressed) only carry it.

This module finds and opens carriers; `tail` reads them.
"""

from __future__ import annotations

import bz2
import fcntl
import gzip
import hashlib
import lzma
import os
import re
import signal
import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from sidecar import release
from waitroom.errors import WaitroomError

# A first line longer than this is told by as much of it.
_HEAD_BYTES = 64 * 1024
_COMPRESSED: dict[str, type[gzip.GzipFile | lzma.LZMAFile | bz2.BZ2File]] = {
    ".gz": gzip.GzipFile,
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}
_READ_ERRORS = (OSError, EOFError, lzma.LZMAError, struct.error)


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


class Source(Protocol):
    """Bytes of one generation, from the file that carries it now."""

    path: str
    device: int
    inode: int
    ended: bool  # nobody can write to it any more

    def read(self, size: int, offset: int) -> bytes:
        """Return up to so many bytes from there; less only at its end. Raises: OSError."""

    def size(self) -> int | None:
        """Return how many bytes there are; None where only reading tells. Raises: OSError."""

    def stamp(self) -> tuple[int, int, int, int]:
        """Return what changes when the file does: device, inode, size, time. Raises: OSError."""

    def close(self) -> None:
        """Let go of the file."""

    def is_abandoned(self) -> bool | None:
        """Whether nobody has it open for writing; None: the kernel does not tell us."""


class PlainFile:
    """An uncompressed file, held open: it stays the same one whatever its name becomes."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises: OSError."""
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        stat = os.fstat(self._handle)
        self.path, self.device, self.inode, self.ended = str(path), stat.st_dev, stat.st_ino, False

    def read(self, size: int, offset: int) -> bytes:
        """Read as Source says."""
        return os.pread(self._handle, size, offset)

    def size(self) -> int:
        """Ask the file."""
        return os.fstat(self._handle).st_size

    def stamp(self) -> tuple[int, int, int, int]:
        """Ask the file."""
        return _stamp(os.fstat(self._handle))

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)

    def is_abandoned(self) -> bool | None:
        """Ask the kernel for a read lease, which it only gives while nobody may write."""
        try:
            # Should somebody open the file in the instant that we hold the lease, we are sent a
            # signal; by default SIGIO, which kills. SIGURG is ignored unless somebody wants it.
            fcntl.fcntl(self._handle, 10, signal.SIGURG)  # F_SETSIG
            fcntl.fcntl(self._handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(self._handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return False
        except OSError:
            return None  # not our file, or a file system without leases
        return True

    def release(self, start: int, end: int) -> None:
        """Give the disk space between two offsets back. Raises: OSError."""
        release.punch(self._handle, start, end)


class CompressedFile:
    """A compressed file, read once from front to back."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises: OSError."""
        self._file = _COMPRESSED[path.suffix](path)
        stat = path.stat()
        self._stamp = _stamp(stat)
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

    def stamp(self) -> tuple[int, int, int, int]:
        """Return what it was when it was opened."""
        return self._stamp

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def is_abandoned(self) -> bool | None:
        """Whoever packed it writes no more to it."""
        return True


def _stamp(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def open_source(path: Path) -> Source:
    """Open a carrier. Raises: OSError."""
    return CompressedFile(path) if path.suffix in _COMPRESSED else PlainFile(path)


def head_bytes(source: Source) -> int:
    """Return how much of the file tells what it is, and must stay. Raises: OSError."""
    head = source.read(_HEAD_BYTES, 0)
    return head.find(b"\n") + 1 or len(head)


def fingerprint(source: Source) -> str:
    """Return the digest of the first line, "" while there is no whole one. Raises: OSError."""
    head = source.read(_HEAD_BYTES, 0)
    end = head.find(b"\n") + 1
    if not end and len(head) < _HEAD_BYTES and not (source.ended and head):
        return ""
    return digest(head[: end or len(head)])


def digest(data: bytes) -> str:
    """Return a short digest: what a log says of visitors must not stand in activity.json."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def demand_folder(log: Path) -> None:
    """Refuse a log that is mounted into a container by itself, without its folder.

    Such a mount shows the file that was there at the start for ever: after a rotation it is the old
    one, and everything looks idle. Raises: WaitroomError.
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return  # no Linux, no such mounts
    place = os.fsencode(log.resolve())
    if any(_unescape(mount.split()[4]) == place for mount in mounts):
        raise WaitroomError(
            f"{log}: is mounted as a single file, whose rotation can't be seen; mount its folder"
        )


def _unescape(text: bytes) -> bytes:
    """Undo the octal escapes of proc(5)."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), text)


def rotated(log: Path) -> Iterator[Path]:
    """Find the files that may carry older generations of a log. Raises: OSError.

    access.log -> access.log.1, access.log-20261123.gz, access-20261123.log, access.1.log.gz; not
    access-other.log, which is another log.
    """
    name, stem, end = (re.escape(part) for part in (log.name, log.stem, log.suffix))
    packed = "|".join(re.escape(suffix) for suffix in _COMPRESSED)
    pattern = re.compile(rf"({name}[.-].*|{stem}[.-]\d[\dTZ_.-]*{end}({packed})?)", re.DOTALL)
    found = [
        entry
        for entry in os.scandir(log.parent)
        if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
    ]
    found.sort(key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    return (Path(entry.path) for entry in found)
