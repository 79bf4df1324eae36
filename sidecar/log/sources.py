"""Bytes of one generation of a log, from the file that carries it now.

A generation is told by its first line, which no other has: its time has nanoseconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
from pathlib import Path
from typing import Protocol

from sidecar.log import release

# A first line longer than this is told by as much of it.
_HEAD_BYTES = 64 * 1024

Inode = tuple[int, int]  # device, inode: one file while it is held open
Stamp = tuple[int, int, int, int]  # device, inode, size, time of change: one state of a file


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

    def stamp(self) -> Stamp:
        """Return the state of the file. Raises: OSError."""

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

    def stamp(self) -> Stamp:
        """Ask the file."""
        return stamp_of(os.fstat(self._handle))

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


def stamp_of(stat: os.stat_result) -> Stamp:
    """Return what changes when a file does: device, inode, size, time."""
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


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
