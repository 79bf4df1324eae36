"""Which files carry which generation of a log now, and which carry nothing new.

A look lists the folder, opens what is not known yet, and gives each file to the generation whose
first line it has: to the one that is read there on, or to none if all of it is known. What is held
open stays the same file whatever its name becomes.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from sidecar.log import siblings, sources
from sidecar.log.generations import Generation, Losses
from sidecar.log.lineage import Lineage
from sidecar.log.positions import Position
from sidecar.log.sources import Inode, Source, Stamp

log = logging.getLogger(__name__)

_SCANS = 3

Opener = Callable[[Path], Source]


class Carriers:
    """All generations of one log, each with the file that has more of it."""

    def __init__(
        self,
        path: Path,
        positions: Iterable[Position],
        losses: Losses,
        *,
        skip_rotated: bool,
        open_source: Opener,
    ) -> None:
        """Begin at the positions; `skip_rotated`: what the first look finds rotated was seen."""
        self._path = path
        self._losses = losses
        self._lineage = Lineage(path, positions, losses)
        self._unidentified: dict[Inode, Source] = {}  # no whole first line yet
        self._known: dict[Stamp, Generation | None] = {}  # files that carry nothing new
        self._live: Inode | None = None  # the file at the log's own path
        self._looks = 0
        self._skip_rotated = skip_rotated
        self._open_source = open_source

    def positions(self) -> list[Position]:
        """Return how far each generation was read."""
        return [generation.position for generation in self._lineage]

    def in_order(self) -> list[Generation]:
        """Return the generations, the live one last."""
        return sorted(self._lineage, key=lambda generation: generation.live)

    def exist(self) -> bool:
        """Whether there is anything to read, now or later."""
        return self._live is not None or any(g.source for g in self._lineage)

    def look(self) -> None:
        """Find out which files there are. Raises: OSError when the log is none to read."""
        self._looks += 1
        # A file may be renamed between the listing and our opening it: then list again.
        if not any(self._scan() for _ in range(_SCANS)):
            self._lineage.say_vanished()
        self._lineage.forget(self._looks)
        self._skip_rotated = False

    def take_skipped(self) -> None:
        """Read at the next look also what was there before us."""
        self._skip_rotated = False
        self._known.clear()
        self._lineage.forget_skipped()

    def detach(self, generation: Generation) -> None:
        """Take the file from a generation that it was truncated under: it begins another one.

        The old one may have been copied before; the next look will find the copy.
        """
        source, generation.source = generation.source, None
        if source is not None:
            source.ended = False
            self._unidentified[source.device, source.inode] = source
        self._known.clear()
        generation.lose("was truncated; what came between copy and truncation is lost")

    def give_up(self, generation: Generation, error: OSError) -> None:
        """Leave a file that can't be read alone, until it changes."""
        if generation.source is not None:
            with contextlib.suppress(OSError):  # not even that; then it is tried at each look
                self._known[generation.source.stamp()] = generation
        generation.let_go()
        generation.lose(f"can't be read: {error.strerror or error}")

    def close(self) -> None:
        """Let go of all files."""
        for generation in self._lineage:
            generation.let_go()
        for source in self._unidentified.values():
            source.close()
        self._unidentified.clear()

    def _scan(self) -> bool:
        """Meet all files; False if one that must be read on is not among them. Raises: OSError."""
        self._live = self._at_path()
        paths = siblings.rotated(self._path)
        known: dict[Stamp, Generation | None] = {}
        for path in [*paths, *([self._path] if self._live else [])]:
            self._meet(path, known)
        self._known = known
        self._identify()
        for generation in self._lineage:
            generation.live = bool(generation.source) and _inode(generation) == self._live
        return all(g.source is not None or g.is_over() for g in self._lineage)

    def _at_path(self) -> Inode | None:
        """Return the file at the log's own path. Raises: OSError when it is none to read."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return found.st_dev, found.st_ino

    def _meet(self, path: Path, known: dict[Stamp, Generation | None]) -> None:
        """Take up a file that is not held yet, unless all of it is known."""
        try:
            stamp = sources.stamp_of(path.stat())
            if stamp in self._known:
                generation = known[stamp] = self._known[stamp]
                if generation is not None:
                    generation.seen = self._looks
            elif not self._is_held(stamp[:2], path):
                self._open(path, stamp, known)
        except FileNotFoundError:
            pass  # renamed or removed since; one that is held is read all the same

    def _open(self, path: Path, stamp: Stamp, known: dict[Stamp, Generation | None]) -> None:
        """Take up a file.

        Raises: FileNotFoundError when it has gone; OSError when it is the log itself and can't be
        read. Another file that can't be read is left alone until it changes.
        """
        try:
            self._unidentified[stamp[:2]] = self._open_source(path)
        except OSError as error:
            if path == self._path or isinstance(error, FileNotFoundError):
                raise
            known[stamp] = None  # not tried again until it changes
            text = f"{path} can't be read: {error.strerror or error}"
            log.warning("%s", text)
            if not self._skip_rotated:
                self._losses.gaps.append(text)

    def _is_held(self, inode: Inode, path: Path) -> bool:
        """Whether we have this file open; it may have another name now."""
        for generation in self._lineage:
            if generation.source is not None and _inode(generation) == inode:
                generation.position.path = str(path)
                return True
        return inode in self._unidentified

    def _identify(self) -> None:
        """Give each file with a whole first line to its generation.

        Raises: OSError when that of the log itself can't be read, with all others done.
        """
        fault: OSError | None = None
        # A copy has the same first line; the file that is written, or was read before, goes first.
        first = {self._live, *((p.device, p.inode) for p in self.positions())}
        for inode, source in sorted(
            self._unidentified.items(), key=lambda item: item[0] not in first
        ):
            if inode != self._live and source.is_abandoned() is not False:
                source.ended = True
            try:
                head = sources.fingerprint(source)
            except OSError as error:
                if inode == self._live:
                    fault = error
                    continue
                log.warning("%s", error)
                head = ""
            if head or source.ended:
                del self._unidentified[inode]
                self._carry(source, head)
        if fault:
            raise fault

    def _carry(self, source: Source, head: str) -> None:
        """Read a generation on in this file, if it has anything more of it."""
        try:
            generation = self._lineage.of(source, head) if head else None
        except OSError as error:  # damaged further on; what can be read of it is read
            log.warning("%s", error)
            generation = None
        if head and generation is None:
            generation = self._lineage.begin(source, head)
            if self._skip_rotated and source.ended:
                generation.skip(source)
        if generation is not None:
            generation.seen = self._looks
            if generation.source is None and generation.has_more_in(source):
                # Where the kernel does not tell who writes, the generation waits until it is quiet.
                source.ended = source.ended and source.is_abandoned() is True
                generation.take(source)
                return
        self._known[source.stamp()] = generation
        source.close()


def _inode(generation: Generation) -> Inode:
    return generation.position.device, generation.position.inode
