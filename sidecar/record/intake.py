"""What the lines of both logs add up to: counts, numbers and events, and totals of all lines.

Blocks in, sums in memory; nothing is read or written here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sidecar.log.generations import Block, Losses
from sidecar.log.numbering import Numbering
from sidecar.log.positions import Position
from sidecar.log.samples import Samples
from sidecar.record import events
from sidecar.record.activity import Fold
from sidecar.record.events import Events
from traefik import access_log
from waitroom.kinds import Kind
from waitroom.signs import moment

log = logging.getLogger(__name__)

_TOTALS = ("lines", "bad", "overlong", "unregistered", "lines_missing")


class Intake:
    """Adds up blocks of the access log and of the journal."""

    def __init__(
        self,
        fold: Fold,
        numbering: Numbering,
        events: Events,
        totals: Iterable[Mapping[str, Any]],
    ) -> None:
        """Go on from what was added up before; `totals` is their table."""
        self._fold = fold
        self._numbering = numbering
        self._events = events
        self._samples = Samples()
        self._totals = dict.fromkeys(_TOTALS, 0)
        for document in totals:
            self._totals.update({name: int(document.get(name, 0)) for name in _TOTALS})
        fold.unregistered = self._totals["unregistered"]
        self.is_common = False  # the log is of a format that names no host

    def totals(self) -> dict[str, int]:
        """Return how many lines there were, of each kind, as it stands in activity.json."""
        counted = {
            "unregistered": self._fold.unregistered,
            "lines_missing": self._numbering.missing(),
        }
        return self._totals | counted

    def add_access_log(self, block: Block) -> None:
        """Add a block of Traefik's access log."""
        parsed, position = access_log.parse(block.lines), block.position
        # What was counted before is left out; that is rare.
        new = parsed if position.after is None else parsed.newer_than(position.after)
        if new.entries:
            self._numbering.add(new.entries)
            self._fold.add(new)
            position.newest = max(new.last, position.newest or new.last)
        self._totals["lines"] += len(new.entries) + len(parsed.bad)
        self._count_bad(position.path, parsed.bad)
        self._refuse_common(parsed, position.log)

    def add_journal(self, block: Block) -> None:
        """Add a block of the waiting room's journal."""
        for line in filter(None, bytes(block.lines).split(b"\n")):
            event = events.parse(line)
            if event is None:
                self._count_bad(block.position.path, [line])
            elif _is_new(moment(event["at"]), block.position):
                self._events.add(event)

    def settle(self, now: datetime) -> list[str]:
        """Bring the counts up to date; return the nonces of canaries that were answered."""
        return self._fold.settle(now)

    def take_losses(self, path: str, losses: Losses) -> None:
        """Add what was not read."""
        if losses.overlong:
            self._totals["overlong"] += losses.overlong
            self._totals["lines"] += losses.overlong
            self._samples.add(path, b"(a line that is too long)", losses.overlong)
        for text in losses.gaps:
            self._events.doubt(Kind.LOG_GAP, text)
        losses.overlong = 0
        losses.gaps.clear()

    def _refuse_common(self, parsed: access_log.Parsed, path: str) -> None:
        if parsed.entries:
            self.is_common = False
        elif not self.is_common and any(access_log.looks_common(line) for line in parsed.bad):
            self.is_common = True
            log.error(
                "%s is written in the `common` format, which names no host, so nothing is put to"
                " sleep; set `accessLog.format: json` in Traefik's static configuration",
                path,
            )

    def _count_bad(self, path: str, lines: list[bytes]) -> None:
        if lines:
            self._totals["bad"] += len(lines)
            self._samples.add(path, lines[0], len(lines))


def _is_new(at: datetime | None, position: Position) -> bool:
    """Whether an event of that moment was not counted before; note the newest."""
    if at is None:
        return True
    position.newest = at if position.newest is None else max(at, position.newest)
    return position.after is None or at > position.after
