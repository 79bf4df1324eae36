"""Generations of a log: each life of it from its first line on, whatever file carries it now.

A log is renamed, copied, truncated, compressed, and its inode is given to the next file. What
stays is its first line. So a generation IS its first line, and files only carry it.

One generation is read on here, block by block, in the file that it was handed; which file that is
`carriers` finds out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from sidecar.log import marks, sources
from sidecar.log.marks import MARK_BYTES
from sidecar.log.positions import Position
from sidecar.log.sources import PlainFile, Source

log = logging.getLogger(__name__)

# A rotated file that may still have a writer is finished when it was quiet for so long. Traefik
# writes on to it until it is told to reopen its log. Should it grow again, it is read on.
_GRACE_S = 60.0
_RELEASED_BYTES = 1024 * 1024  # released at once


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one generation; a view, since a copy costs a tenth of all the reading."""

    lines: memoryview
    position: Position


@dataclass(slots=True)
class Losses:
    """What was not read, of all generations; the caller takes it out."""

    overlong: int = 0  # lines that were passed over
    gaps: list[str] = field(default_factory=list)  # what may have been lost, in words


class Truncated(Exception):  # noqa: N818 - a condition, not an error
    """The file carries another generation now."""


class Generation:
    """One life of a log, and how far it was read. `read` is the one thing that moves it."""

    def __init__(self, position: Position, losses: Losses) -> None:
        self.position = position
        self.source: Source | None = None  # None: no file is known to carry more of it
        self.live = False  # carried by the file at the log's own path
        self.seen = 0  # the look that last found a file of it
        self._losses = losses
        self._scanned = 0  # up to here there is no end of the line that begins at the offset
        self._size = -1  # where it ended when it was last read
        self._quiet_since_s = 0.0  # monotonic: since when it ends there
        self._committed = 0  # the offset at the last commit
        self._released = 0  # up to here the disk space was given back

    def is_over(self) -> bool:
        """Whether no more of it is expected; a file with more of it is read all the same."""
        return self.position.finished or self.position.lost

    def has_more_in(self, source: Source) -> bool:
        """Whether this file has something of it that was not read. Raises: OSError."""
        return not self.position.finished or (source.size() or 0) > self.position.offset

    def take(self, source: Source) -> None:
        """Go on in this file."""
        position = self.position
        position.path, position.device, position.inode = source.path, source.device, source.inode
        position.finished = position.skipped = False
        self.source = source
        self._scanned, self._size = 0, -1
        self._committed = self._released = 0

    def skip(self, source: Source) -> None:
        """Take all that this file has for read. Raises: OSError."""
        self.position.finished = self.position.skipped = True
        size = source.size() or 0
        before = marks.length(size)
        marks.move(self.position, size, source.read(before, size - before), before)

    def let_go(self) -> None:
        """Close the file; another one may carry more of it."""
        if self.source is not None:
            self.source.close()
            self.source = None

    def lose(self, what: str) -> None:
        """Say once that something of it may have been lost."""
        if not self.position.lost:
            self.position.lost = True
            text = f"{self.position.path} {what}"
            log.warning("%s", text)
            self._losses.gaps.append(text)

    def release(self) -> None:
        """Give the disk space back of what was committed before the last commit. Raises: OSError.

        What only the last commit knows stays until the next: if activity.json is damaged, the one
        before it is used, and reads that part again.
        """
        source, end = self.source, self._committed - MARK_BYTES
        self._committed = self.position.offset
        if isinstance(source, PlainFile) and end - self._released >= _RELEASED_BYTES:
            source.release(max(sources.head_bytes(source), self._released), end)
            self._released = end

    def read(self, block_bytes: int, clock_s: float) -> Block | None:
        """Return the next block, None at its end. Raises: OSError, Truncated."""
        while (source := self.source) is not None:
            if self._scanned:
                go_on = self._pass_over(source, block_bytes, clock_s)
            else:
                block, go_on = self._step(source, block_bytes, clock_s)
                if block is not None:
                    return block
            if not go_on and not source.ended:
                return None
        return None

    def _step(self, source: Source, block_bytes: int, clock_s: float) -> tuple[Block | None, bool]:
        """Read on once; also whether to try again at once. Raises: OSError, Truncated."""
        marked = marks.length(self.position.offset)
        data = source.read(marked + block_bytes, self.position.offset - marked)
        if not marks.is_marked(source, self.position, data[:marked]):
            self._mend(source)
            return None, True
        end = data.rfind(b"\n", marked) + 1
        if end:
            return self._block(data, marked, end), True
        size = self.position.offset + len(data) - marked
        if len(data) - marked >= block_bytes:
            self._scanned = size
            return None, True
        was_ended = source.ended  # when this was read: what is here is all there will be
        self._note_end(source, size, clock_s)
        if was_ended and len(data) > marked:
            return self._block(data, marked, len(data)), True  # a last line without its end
        return None, False

    def _pass_over(self, source: Source, block_bytes: int, clock_s: float) -> bool:
        """Look for the end of an over-long line; False if it is not there yet.

        Raises: OSError, Truncated.
        """
        start = self._scanned - MARK_BYTES
        data = source.read(MARK_BYTES + block_bytes, start)
        if len(data) < MARK_BYTES:
            self._mend(source)
            return True
        end = data.find(b"\n", MARK_BYTES) + 1
        self._scanned = start + (end or len(data))
        is_full = len(data) == MARK_BYTES + block_bytes
        ends = bool(end) or (not is_full and source.ended)
        if not end and not is_full:
            self._note_end(source, self._scanned, clock_s)
        if ends:
            marks.move(self.position, self._scanned, data, end or len(data))
            self._scanned = 0
            self._losses.overlong += 1
        return ends or is_full

    def _block(self, data: bytes, start: int, end: int) -> Block:
        """Hand out what is between the mark and the end, and move behind it."""
        self.position.lost = False
        marks.move(self.position, self.position.offset + end - start, data, end)
        return Block(memoryview(data)[start:end], self.position)

    def _note_end(self, source: Source, size: int, clock_s: float) -> None:
        """Note that there is nothing more now, and whether anything can still come.

        A writer may have written between our last read and the kernel's word that he has gone, so
        there is one more read after `ended` is set.
        """
        if source.ended:
            if size == self.position.offset:
                self.position.finished = True
                self.let_go()
            return
        if size != self._size:
            self._size, self._quiet_since_s = size, clock_s
        if not self.live:
            abandoned = source.is_abandoned()
            if abandoned is None:
                abandoned = clock_s - self._quiet_since_s >= _GRACE_S
            source.ended = abandoned
        if size == self.position.offset and not source.ended:
            self.position.after = None  # what was counted before has been passed

    def _mend(self, source: Source) -> None:
        """Go on where the bytes before the position are no longer those that were read.

        Raises: OSError; Truncated where the file begins with another line.
        """
        self._scanned = 0
        if sources.fingerprint(source) != self.position.fingerprint:
            raise Truncated
        # The same file, but shorter than it was: the machine lost its power before all of it was
        # on the disk, and the writer went on. The times tell what was counted.
        position = self.position
        position.after, position.offset, position.mark = position.newest, 0, ""
        self._committed = self._released = 0
        self.lose("has lost its end")
