"""Reading a log that is rotated in every way, each line once.

`look` finds out which generations there are now, `read` returns the next block of whole lines of
one of them; when to do so is the caller's business. Positions move in memory as blocks are
returned. Whoever adds up the blocks writes sums and positions in one go: then a crash at any point
loses nothing and counts nothing twice.

Nothing is decided here about what the lines mean, and nothing is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sidecar.log import siblings
from sidecar.log.carriers import Carriers, Opener
from sidecar.log.generations import Block, Losses, Truncated
from sidecar.log.positions import Position

log = logging.getLogger(__name__)

_ALL = 2**63
BLOCK_BYTES = 1024 * 1024  # read at once; also the longest line that is taken


class Tail:
    """All of one log, from its oldest generation to the line that is being written."""

    def __init__(
        self,
        path: Path,
        positions: Iterable[Position] = (),
        *,
        skip_rotated: bool = False,
        optional: bool = False,
        block_bytes: int = BLOCK_BYTES,
        open_source: Opener = siblings.open_source,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at the positions.

        `skip_rotated`: what was rotated before our time counts as seen; `optional`: the log need
        not be there.
        """
        self.path = path
        self.losses = Losses()
        self.fault: str | None = None  # why the log can't be read now
        self._carriers = Carriers(
            path, positions, self.losses, skip_rotated=skip_rotated, open_source=open_source
        )
        self._optional = optional
        self._block_bytes = block_bytes
        self._monotonic = monotonic

    def positions(self) -> list[Position]:
        """Return how far each generation was read."""
        return self._carriers.positions()

    def take_skipped(self) -> None:
        """Read at the next look also what was there before us."""
        self._carriers.take_skipped()

    def backlog_bytes(self) -> int:
        """Estimate what is not read yet; packed files count as they lie there."""
        try:
            paths = [*siblings.rotated(self.path), self.path]
            files = [path.stat() for path in paths if path.exists()]
        except OSError:
            return 0
        read = {(p.device, p.inode): _ALL if p.finished else p.offset for p in self.positions()}
        return sum(max(0, file.st_size - read.get((file.st_dev, file.st_ino), 0)) for file in files)

    def look(self) -> None:
        """Find out which files carry which generation now. Never raises."""
        try:
            self._carriers.look()
        except OSError as error:
            self._say(error.strerror or str(error))
            return
        readable = self._optional or self._carriers.exist()
        self._say(None if readable else "there is no such file")

    def read(self) -> Block | None:
        """Return the next block, None at the end of everything there is. Never raises."""
        for generation in self._carriers.in_order():
            try:
                block = generation.read(self._block_bytes, self._monotonic())
            except Truncated:
                self._carriers.detach(generation)
            except OSError as error:
                self._carriers.give_up(generation, error)
            else:
                if block is not None:
                    return block
        return None

    def release(self) -> None:
        """Give back the disk space of what was committed; to be called after each commit.

        Raises: OSError where that can't be done.
        """
        for generation in self._carriers.in_order():
            generation.release()

    def close(self) -> None:
        """Let go of all files."""
        self._carriers.close()

    def _say(self, fault: str | None) -> None:
        if fault != self.fault:
            if fault:
                log.error("%s: %s", self.path, fault)
            else:
                log.info("%s: can be read again", self.path)
        self.fault = fault
