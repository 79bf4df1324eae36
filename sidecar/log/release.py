"""Gives the disk space of what was read and committed back, without touching the writer.

A hole is punched into the log, from the end of the block that holds its first line up to the
committed position: the file keeps its size and its name, the writer goes on appending, and nobody
has to rotate. Needs Linux and a file system that can (ext4, xfs, btrfs, tmpfs).
"""

from __future__ import annotations

import ctypes
import os

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_BLOCK_BYTES = 4096


def punch(handle: int, start: int, end: int) -> None:
    """Release the whole blocks between two offsets of an open file. Raises: OSError."""
    first = -(-start // _BLOCK_BYTES) * _BLOCK_BYTES
    size = end // _BLOCK_BYTES * _BLOCK_BYTES - first
    if size <= 0:
        return
    # The handle of a reader does not do; opened by its number, it is the same file in any case.
    writable = os.open(f"/proc/self/fd/{handle}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        _fallocate(writable, first, size)
    finally:
        os.close(writable)


def _fallocate(handle: int, start: int, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    offset = ctypes.c_int64  # off_t of every 64-bit Linux
    if libc.fallocate(handle, _PUNCH_HOLE | _KEEP_SIZE, offset(start), offset(size)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
