"""Reading a log that is rotated in every way, each line once.

`look` finds out which generations there are now, `read` returns the next block of whole lines of
one of them; when to do so is the caller's business. Positions move in memory as blocks are
returned. Whoever adds up the blocks writes sums and positions in one go: then a crash at any point
loses nothing and counts nothing twice.

Nothing is decided here about what the lines mean, and nothing is written.
"""

from __future__ import annotations

import errno
import logging
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sidecar import generations
from sidecar.generations import PlainFile, Position, Source

log = logging.getLogger(__name__)

BLOCK_BYTES = 1024 * 1024  # read at once; also the longest line that is taken
_MARK_BYTES = 64
_SCANS = 3
# A rotated file that may still have a writer is finished when it was quiet for so long. Traefik
# writes on to it until it is told to reopen its log. Should it grow again, it is read on.
_GRACE_S = 60.0
_RELEASED_BYTES = 1024 * 1024  # released at once
# Finished generations that are no longer found anywhere are remembered, up to so many.
_REMEMBERED = 100


_Inode = tuple[int, int]  # device, inode: one file while it is held open
_Stamp = tuple[int, int, int, int]  # device, inode, size, time of change: one state of a file


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one generation; a view, since a copy costs a tenth of all the reading."""

    lines: memoryview
    position: Position


@dataclass(slots=True)
class _Generation:
    position: Position
    source: Source | None = None  # None: no file is known to carry more of it
    live: bool = False  # carried by the file at the log's own path
    scanned: int = 0  # up to here there is no end of the line that begins at the offset
    size: int = -1  # where it ended when it was last read
    quiet_since: float = 0.0  # monotonic: since when it ends there
    seen: int = 0  # the look that last found a file of it
    committed: int = 0  # the offset at the last commit
    released: int = 0  # up to here the disk space was given back

    def is_over(self) -> bool:
        """Whether no more of it is expected; a file with more of it is read all the same."""
        return self.position.finished or self.position.lost


class Tail:
    """All generations of one log."""

    def __init__(
        self,
        path: Path,
        positions: Iterable[Position] = (),
        *,
        skip_rotated: bool = False,
        optional: bool = False,
        block_bytes: int = BLOCK_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at the positions.

        `skip_rotated`: what was rotated before our time counts as seen; `optional`: the log need
        not be there.
        """
        self.path = path
        self.overlong = 0  # lines that were passed over since the start
        self.fault: str | None = None  # why the log can't be read now
        self.gaps: list[str] = []  # what may have been lost; the caller takes them out
        self._generations = [_Generation(position) for position in positions]
        self._unborn: dict[_Inode, Source] = {}  # no whole first line yet
        self._known: dict[_Stamp, _Generation | None] = {}  # files that carry nothing new
        self._live: _Inode | None = None  # the file at the log's own path
        self._looks = 0
        self._skip_rotated = skip_rotated
        self._optional = optional
        self._block_bytes = block_bytes
        self._monotonic = monotonic

    def positions(self) -> list[Position]:
        """Return how far each generation was read."""
        return [generation.position for generation in self._generations]

    def take_skipped(self) -> None:
        """Read at the next look also what was there before us."""
        self._skip_rotated = False
        self._known.clear()
        self._generations = [g for g in self._generations if not g.position.skipped]

    def backlog_bytes(self) -> int:
        """Estimate what is not read yet; packed files count as they lie there."""
        try:
            paths = [*generations.rotated(self.path), self.path]
            sizes = {path: path.stat() for path in paths if path.exists()}
        except OSError:
            return 0
        read = {(p.device, p.inode): p.offset for p in self.positions()}
        done = {(p.device, p.inode) for p in self.positions() if p.finished}
        return sum(
            max(0, found.st_size - read.get((found.st_dev, found.st_ino), 0))
            for found in sizes.values()
            if (found.st_dev, found.st_ino) not in done
        )

    def look(self) -> None:
        """Find out which files carry which generation now. Never raises."""
        self._looks += 1
        try:
            # A file may be renamed between the listing and our opening it: then list again.
            if not any(self._scan() for _ in range(_SCANS)):
                self._mourn()
        except OSError as error:
            self._say(error.strerror or str(error))
            return
        self._forget()
        self._skip_rotated = False
        readable = self._live or self._optional or any(g.source for g in self._generations)
        self._say(None if readable else "there is no such file")

    def read(self) -> Block | None:
        """Return the next block, None at the end of everything there is. Never raises."""
        for generation in sorted(self._generations, key=self._is_live):
            try:
                block = self._read(generation)
            except OSError as error:
                self._give_up(generation, error)
                continue
            if block is not None:
                return block
        return None

    def release(self) -> None:
        """Give back the disk space of what was committed; to be called after each commit.

        What only the last commit knows stays until the next: if activity.json is damaged, the one
        before it is used, and reads that part again. Raises: OSError where that can't be done.
        """
        for generation in self._generations:
            source, end = generation.source, generation.committed - _MARK_BYTES
            generation.committed = generation.position.offset
            if isinstance(source, PlainFile) and end - generation.released >= _RELEASED_BYTES:
                start = max(generations.head_bytes(source), generation.released)
                source.release(start, end)
                generation.released = end

    def close(self) -> None:
        """Let go of all files."""
        for generation in self._generations:
            self._let_go(generation)
        for source in self._unborn.values():
            source.close()
        self._unborn.clear()

    # Which files there are.

    def _scan(self) -> bool:
        """Meet all files; False if one that must be read on is not among them. Raises: OSError."""
        self._live = self._at_path()
        paths = list(generations.rotated(self.path))
        known: dict[_Stamp, _Generation | None] = {}
        for path in [*paths, *([self.path] if self._live else [])]:
            self._meet(path, known)
        self._known = known
        self._bear()
        return all(g.source is not None or g.is_over() for g in self._generations)

    def _at_path(self) -> _Inode | None:
        """Return the file at the log's own path. Raises: OSError when it is none to read."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return found.st_dev, found.st_ino

    def _is_live(self, generation: _Generation) -> bool:
        source = generation.source
        return source is not None and (source.device, source.inode) == self._live

    def _meet(self, path: Path, known: dict[_Stamp, _Generation | None]) -> None:
        """Take up a file that is not held yet, unless all of it is known."""
        try:
            found = path.stat()
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp in self._known:
                generation = known[stamp] = self._known[stamp]
                if generation is not None:
                    generation.seen = self._looks
            elif not self._is_held(stamp[:2], path):
                self._unborn[stamp[:2]] = generations.open_source(path)
        except FileNotFoundError:
            pass  # renamed or removed since; one that is held is read all the same
        except OSError as error:
            self._say(f"{path.name}: {error.strerror or error}")

    def _is_held(self, inode: _Inode, path: Path) -> bool:
        """Whether we have this file open; it may have another name now."""
        for generation in self._generations:
            source = generation.source
            if source is not None and (source.device, source.inode) == inode:
                generation.position.path = str(path)
                return True
        return inode in self._unborn

    def _bear(self) -> None:
        """Give each file with a whole first line to its generation."""
        # A copy has the same first line; the file that is written, or was read before, goes first.
        first = {self._live, *((p.device, p.inode) for p in self.positions())}
        for inode, source in sorted(self._unborn.items(), key=lambda item: item[0] not in first):
            if inode != self._live and source.is_abandoned() is not False:
                source.ended = True
            try:
                head = generations.fingerprint(source)
            except OSError as error:
                log.warning("%s", error)
                head = ""
            if head or source.ended:
                del self._unborn[inode]
                self._carry(source, head)

    def _carry(self, source: Source, head: str) -> None:
        """Read a generation on in this file, if it has anything more of it."""
        generation = next((g for g in self._generations if g.position.fingerprint == head), None)
        if head and generation is None:
            generation = _Generation(_born(source, head, self.path))
            self._generations.append(generation)
            if self._skip_rotated and source.ended:
                _skip(generation.position, source)
        if generation is not None:
            generation.seen = self._looks
            if generation.source is None and _has_more(source, generation.position):
                _hand_over(generation, source)
                return
        self._known[source.stamp()] = generation
        source.close()

    def _mourn(self) -> None:
        """Say so where a generation was not read to its end and is nowhere to be found."""
        for generation in self._generations:
            if generation.source is None and not generation.is_over():
                self._lose(generation, "has vanished before it was read to its end")

    def _forget(self) -> None:
        """Forget the oldest generations that are over and that no file carries any more."""
        absent = [g for g in self._generations if g.is_over() and g.seen != self._looks]
        gone = absent[:-_REMEMBERED]
        self._generations = [g for g in self._generations if g not in gone]

    # Reading.

    def _read(self, generation: _Generation) -> Block | None:
        """Return the next block of a generation, None at its end. Raises: OSError."""
        while (source := generation.source) is not None:
            if generation.scanned:
                go_on = self._pass_over(generation, source)
            else:
                block, go_on = self._step(generation, source)
                if block is not None:
                    return block
            if not go_on and not source.ended:
                return None
        return None

    def _step(self, generation: _Generation, source: Source) -> tuple[Block | None, bool]:
        """Read on once; also whether to try again at once. Raises: OSError."""
        position = generation.position
        marked = min(_MARK_BYTES, position.offset)
        data = source.read(marked + self._block_bytes, position.offset - marked)
        if not _is_marked(position, source, data[:marked]):
            self._mend(generation, source)
            return None, True
        end = data.rfind(b"\n", marked) + 1
        if end:
            return _take(generation, data, marked, end), True
        size = position.offset + len(data) - marked
        if len(data) - marked >= self._block_bytes:
            generation.scanned = size
            return None, True
        if self._end(generation, source, size) and len(data) > marked:
            return _take(generation, data, marked, len(data)), True  # a last line without its end
        return None, False

    def _pass_over(self, generation: _Generation, source: Source) -> bool:
        """Look for the end of an over-long line; False if it is not there yet. Raises: OSError."""
        start = generation.scanned - _MARK_BYTES
        data = source.read(_MARK_BYTES + self._block_bytes, start)
        if len(data) < _MARK_BYTES:
            self._mend(generation, source)
            return True
        end = data.find(b"\n", _MARK_BYTES) + 1
        generation.scanned = start + (end or len(data))
        ends = bool(end) or (
            len(data) < _MARK_BYTES + self._block_bytes
            and self._end(generation, source, generation.scanned)
        )
        if ends:
            generation.position.offset = generation.scanned
            generation.position.mark = generations.digest(data[: end or None][-_MARK_BYTES:])
            generation.scanned = 0
            self.overlong += 1
        return ends or len(data) == _MARK_BYTES + self._block_bytes

    def _end(self, generation: _Generation, source: Source, size: int) -> bool:
        """Note that there is nothing more now; whether what is there is to be taken as it is.

        That is so once nobody writes the file any more. A writer may have written between our last
        read and the kernel's word that he has gone, so there is one more read after it.
        """
        position = generation.position
        if source.ended:
            if size == position.offset:
                position.finished = True
                self._let_go(generation)
            return True
        now = self._monotonic()
        if size != generation.size:
            generation.size, generation.quiet_since = size, now
        if not self._is_live(generation):
            abandoned = source.is_abandoned()
            if abandoned is None:
                abandoned = now - generation.quiet_since >= _GRACE_S
            source.ended = abandoned
        if size == position.offset and not source.ended:
            position.after = None  # what was counted before has been passed
        return False

    def _mend(self, generation: _Generation, source: Source) -> None:
        """Go on where the bytes before the position are no longer those that were read."""
        position = generation.position
        generation.scanned = 0
        if generations.fingerprint(source) == position.fingerprint:
            # The same file, but shorter than it was: the machine lost its power before all of it
            # was on the disk, and the writer went on. The times tell what was counted.
            position.after, position.offset, position.mark = position.newest, 0, ""
            generation.committed = generation.released = 0
            self._lose(generation, "has lost its end")
            position.lost = False
            return
        # Truncated, and perhaps written anew: this file is another generation now. The old one
        # may have been copied before; the next look will find the copy.
        generation.source = None
        source.ended = False
        self._unborn[source.device, source.inode] = source
        self._known.clear()
        self._lose(generation, "was truncated; what came between copy and truncation is lost")

    def _give_up(self, generation: _Generation, error: OSError) -> None:
        """Leave a file that can't be read alone, until it changes."""
        if generation.source is not None:
            self._known[generation.source.stamp()] = generation
        self._let_go(generation)
        self._lose(generation, f"can't be read: {error.strerror or error}")

    def _let_go(self, generation: _Generation) -> None:
        if generation.source is not None:
            generation.source.close()
            generation.source = None

    # What there is to say.

    def _lose(self, generation: _Generation, what: str) -> None:
        if not generation.position.lost:
            generation.position.lost = True
            text = f"{generation.position.path} {what}"
            log.warning("%s", text)
            self.gaps.append(text)

    def _say(self, fault: str | None) -> None:
        if fault != self.fault:
            if fault:
                log.error("%s: %s", self.path, fault)
            else:
                log.info("%s: is read again", self.path)
        self.fault = fault


def _born(source: Source, head: str, log_path: Path) -> Position:
    return Position(
        log=str(log_path),
        path=source.path,
        device=source.device,
        inode=source.inode,
        fingerprint=head,
    )


def _has_more(source: Source, position: Position) -> bool:
    """Whether this file has something of its generation that was not read."""
    return not position.finished or (source.size() or 0) > position.offset


def _hand_over(generation: _Generation, source: Source) -> None:
    position = generation.position
    position.path, position.device, position.inode = source.path, source.device, source.inode
    position.finished = position.skipped = position.lost = False
    generation.source, generation.scanned, generation.size = source, 0, -1
    generation.committed = generation.released = 0


def _skip(position: Position, source: Source) -> None:
    position.finished = position.skipped = True
    position.offset = source.size() or 0


def _is_marked(position: Position, source: Source, before: bytes) -> bool:
    """Whether the file still is what was read so far. Raises: OSError."""
    if position.offset:
        return generations.digest(before) == position.mark
    return generations.fingerprint(source) == position.fingerprint


def _take(generation: _Generation, data: bytes, start: int, end: int) -> Block:
    """Hand out what is between the mark and the end, and move behind it."""
    position = generation.position
    position.offset += end - start
    position.mark = generations.digest(data[end - min(_MARK_BYTES, position.offset) : end])
    return Block(memoryview(data)[start:end], position)
