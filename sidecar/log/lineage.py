"""The generations of one log, and which of them a file carries: the one with its first line.

Where that was damaged in place, what was read last still tells the file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from sidecar.log import marks
from sidecar.log.generations import Generation, Losses
from sidecar.log.positions import Position
from sidecar.log.sources import Source

log = logging.getLogger(__name__)

# Finished generations that are no longer found anywhere are remembered, up to so many.
_REMEMBERED = 100


class Lineage:
    """All generations that are known."""

    def __init__(self, path: Path, positions: Iterable[Position], losses: Losses) -> None:
        """`path`: the log's own."""
        self._path = path
        self._losses = losses
        self._generations = [Generation(position, losses) for position in positions]

    def __iter__(self) -> Iterator[Generation]:
        """Go through them, the oldest first."""
        return iter(self._generations)

    def of(self, source: Source, head: str) -> Generation | None:
        """Return the generation that a file with this first line carries. Raises: OSError."""
        for generation in self._generations:
            if generation.position.fingerprint == head:
                return generation
        for generation in self._generations:
            if marks.is_read_up_to(source, generation.position):
                log.warning("%s: its first line has changed", source.path)
                generation.position.fingerprint = head
                return generation
        return None

    def begin(self, source: Source, head: str) -> Generation:
        """Add the one that this file is the first to carry."""
        position = Position(
            log=str(self._path),
            path=source.path,
            device=source.device,
            inode=source.inode,
            fingerprint=head,
        )
        generation = Generation(position, self._losses)
        self._generations.append(generation)
        return generation

    def forget_skipped(self) -> None:
        """Forget those that were there before us."""
        self._generations = [g for g in self._generations if not g.position.skipped]

    def say_vanished(self) -> None:
        """Say so where one was not read to its end and is nowhere to be found."""
        for generation in self._generations:
            if generation.source is None and not generation.is_over():
                generation.lose("has vanished before it was read to its end")

    def forget(self, looks: int) -> None:
        """Forget the oldest that are over and that this look has found in no file."""
        absent = [g for g in self._generations if g.is_over() and g.seen != looks]
        gone = absent[:-_REMEMBERED]
        self._generations = [g for g in self._generations if g not in gone]
