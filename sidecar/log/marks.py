"""What tells that a file still is what was read of it: the bytes just before the position.

They tell more than its first line: the same file may have been damaged there, or have lost its
end with the power and been written on.
"""

from __future__ import annotations

from sidecar.log import sources
from sidecar.log.positions import Position
from sidecar.log.sources import Source

MARK_BYTES = 64


def length(offset: int) -> int:
    """Return how many bytes before an offset are its mark."""
    return min(MARK_BYTES, offset)


def move(position: Position, offset: int, data: bytes, end: int) -> None:
    """Move a position to an offset; in the data that is its `end`."""
    position.offset = offset
    position.mark = sources.digest(data[end - length(offset) : end])


def is_marked(source: Source, position: Position, before: bytes) -> bool:
    """Whether the file still is what was read; `before`: its bytes there. Raises: OSError."""
    if position.offset:
        return sources.digest(before) == position.mark
    return sources.fingerprint(source) == position.fingerprint


def is_read_up_to(source: Source, position: Position) -> bool:
    """Whether this very file was read, and still is what it was there. Raises: OSError."""
    if (source.device, source.inode) != (position.device, position.inode) or not position.offset:
        return False
    bytes_ = length(position.offset)
    return is_marked(source, position, source.read(bytes_, position.offset - bytes_))
