"""Both logs, read on in slices: the access log and the waiting room's journal.

log line -> tail -> intake. Positions move in memory; what was read counts once it is committed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sidecar.log import positions
from sidecar.log.generations import Block
from sidecar.log.positions import Position
from sidecar.record.intake import Intake
from sidecar.tail import Tail
from waitroom.record.occurrence import ReadTo

log = logging.getLogger(__name__)

_SLICE_S = 0.1


class Reading:
    """Called by one thread, but for `fault`, `backlog_bytes` and `read_to`, which any may ask."""

    def __init__(
        self,
        access_log: Path,
        journal: Path,
        known: Sequence[Position],
        intake: Intake,
        *,
        skip_rotated: bool,
        release: bool,
    ) -> None:
        """Go on where it is known that reading ended.

        `skip_rotated` as Tail has it; `release`: what was committed need not stay on the disk.
        """
        self._log = Tail(access_log, positions.of(access_log, known), skip_rotated=skip_rotated)
        self._journal = Tail(journal, positions.of(journal, known), optional=True)
        self._intake = intake
        self._releases = release
        self.changed = False  # something was read that is not committed yet
        self.canaries: list[str] = []  # nonces, read and not committed yet
        self._read_to: ReadTo | None = None

    def read(self, now: Callable[[], datetime]) -> bool:
        """Read a slice; True at the end of both logs. Never raises."""
        deadline = time.monotonic() + _SLICE_S
        ends = [
            self._read_on(self._journal, self._intake.add_journal, deadline, now),
            self._read_on(self._log, self._intake.add_access_log, deadline, now),
        ]
        return all(ends)

    def fault(self) -> str | None:
        """Return why the access log can't be read, if so."""
        return self._log.fault

    def is_well(self) -> bool:
        """Whether both logs can be read (no journal is an empty one), and are of use."""
        return not (self._log.fault or self._journal.fault or self._intake.is_common)

    def read_to(self) -> ReadTo | None:
        """Return up to where the access log is read."""
        return self._read_to

    def take_skipped(self) -> None:
        """Read also what had been rotated before our time."""
        self._log.take_skipped()

    def backlog_bytes(self) -> int:
        """Estimate how much of the access log is not read yet (packed files count as they are)."""
        return self._log.backlog_bytes()

    def positions(self) -> list[Position]:
        """Return how far each generation of both was read."""
        return [*self._log.positions(), *self._journal.positions()]

    def release(self) -> None:
        """Give back the disk space of what was committed of the access log, if that is wanted."""
        try:
            if self._releases:
                self._log.release()
        except OSError as error:
            self._releases = False
            log.warning(
                "%s: its disk space can't be given back while it is written, rotate it: %s",
                self._log.path, error.strerror,
            )  # fmt: skip

    def close(self) -> None:
        """Let go of all files."""
        self._log.close()
        self._journal.close()

    def _read_on(
        self,
        tail: Tail,
        add: Callable[[Block], None],
        deadline_s: float,
        now: Callable[[], datetime],
    ) -> bool:
        """Read until the end or the deadline; True at the end."""
        tail.look()
        try:
            while (block := tail.read()) is not None:
                self.changed = True
                add(block)
                if tail is self._log:
                    self._read_to = ReadTo(block.position.path, block.position.offset)
                if time.monotonic() >= deadline_s:
                    return False
            return True
        finally:
            self.canaries += self._intake.settle(now())
            self.changed |= tail.losses.overlong > 0
            self._intake.take_losses(str(tail.path), tail.losses)
