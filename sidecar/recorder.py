"""The recorder: what the logs say becomes counts and events in activity.json, each line once.

log line -> tail -> entry -> activity -> store. Here alone the four meet. Counts, events and read
positions are committed in one atomic replace, so a crash at any point repeats what was not
committed and nothing else.

One thread reads and commits. `record`, `last_used` and `last_woken` may be called by any.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from sidecar import generations
from sidecar.activity import Fold, HostCount
from sidecar.clock import Clock
from sidecar.generations import Position
from sidecar.numbering import Numbering
from sidecar.samples import Samples
from sidecar.signs import Signs, moment
from sidecar.store import Store
from sidecar.tail import Block, Tail
from traefik import access_log
from waitroom.errors import WaitroomError
from waitroom.hosts import Registry

log = logging.getLogger(__name__)

_SLICE_S = 0.1
_ALL_HOSTS = "*"  # the host of an event that concerns every one
_Document = dict[str, Any]


class Recorder:
    """The one owner of activity.json."""

    def __init__(
        self,
        *,
        data: Path,
        access_log: Path,
        registry: Registry,
        on_canary: Callable[[str], None],
        release_log: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open activity.json. `release_log`: what was recorded need not stay on the disk.

        Raises: WaitroomError when another sidecar has it open, or the log can't be followed.
        """
        generations.demand_folder(access_log)
        self._on_canary = on_canary
        self._releases = release_log
        self._now = now
        self._store = Store(data)
        self._fold = Fold(registry, _load_hosts(self._store))
        positions = _load_positions(self._store)
        # With damaged counts, all that can still be read is worth more than a quick start.
        skip = self._store.fresh and not self._store.damaged
        journal = data / "journal.jsonl"
        self._log = Tail(access_log, _of(access_log, positions), skip_rotated=skip)
        self._journal = Tail(journal, _of(journal, positions), optional=True)
        self._is_common = False  # the log is of a format that names no host
        self._samples = Samples()
        self._recorded: queue.SimpleQueue[_Document] = queue.SimpleQueue()
        self._events: list[_Document] = []  # not in the store yet
        self._changed = self._store.fresh
        self._commit_fails = False
        self._signs = Signs()
        for event in self._store.events:
            self._signs.add(event, now())
        self.totals = _load_totals(self._store)
        self._fold.unregistered = self.totals["unregistered"]
        self._numbering = _load_numbering(self._store)
        self._clock = Clock(known=next(iter(self._store.table("clock")), None))
        self.caught_up = False

    def adopt(self, registry: Registry) -> None:
        """Go by a reloaded hosts.yaml; nothing recorded is lost."""
        self._fold.adopt(registry)

    def read(self) -> bool:
        """Read a slice of both logs; True if more is waiting. Never raises."""
        deadline = time.monotonic() + _SLICE_S
        self._look_at_clock()
        self._take_recorded()
        ends = [
            self._read_on(self._journal, self._add_journal, deadline),
            self._read_on(self._log, self._add_access_log, deadline),
        ]
        # A journal that is not there yet is an empty one; a missing access log tells nothing.
        if self._log.fault or self._is_common:
            self.caught_up = False
        elif all(ends):
            self.caught_up = True
        return not all(ends)

    def commit(self) -> bool:
        """Write what has changed; False when the disk refuses, to be tried again."""
        self._take_recorded()
        if not self._changed:
            return True
        self._put()
        try:
            self._store.commit()
        except OSError as error:
            if not self._commit_fails:
                log.error("%s: can't be written, trying again: %s", self._store.path, error)
            self._commit_fails = True
            return False
        if self._commit_fails:
            log.info("%s: is written again", self._store.path)
        self._changed = self._commit_fails = False
        self._release()
        return True

    def _release(self) -> None:
        if not self._releases:
            return
        try:
            self._log.release()
        except OSError as error:
            self._releases = False
            log.warning(
                "%s: its disk space can't be given back while it is written, rotate it: %s",
                self._log.path, error.strerror,
            )  # fmt: skip

    def record(self, event: _Document) -> None:
        """Record an event of the sidecar's own: `at, host, kind, ...`."""
        self._recorded.put(msgspec.to_builtins(event))

    def last_used(self, host: str) -> datetime | None:
        """Return the end of the newest activity, or the moment of a gap in the log if later."""
        count = self._fold.counts.get(host)
        return self._signs.last_used(count.last_activity if count else 0.0, self._now())

    def last_woken(self, host: str) -> datetime | None:
        """Return when the host was last woken, or found running."""
        return self._signs.last_woken(host)

    def close(self) -> None:
        """Commit, and let others record."""
        self.commit()
        self.release()

    def release(self) -> None:
        """Let others record; what was not committed is read again by them."""
        self._log.close()
        self._journal.close()
        self._store.close()

    def take_skipped(self) -> None:
        """Read also what had been rotated before our time."""
        self._log.take_skipped()

    def backlog_bytes(self) -> int:
        """Estimate how much of the access log is not read yet (packed files count as they are)."""
        return self._log.backlog_bytes()

    def fault(self) -> str | None:
        """Return why the access log can't be read, if so."""
        return self._log.fault

    def host_count(self) -> int:
        """Return how many hosts are recorded."""
        return len(self._fold.counts)

    # Reading.

    def _read_on(self, tail: Tail, add: Callable[[Block], None], deadline: float) -> bool:
        """Read until the end or the deadline; True at the end."""
        tail.look()
        try:
            while (block := tail.read()) is not None:
                self._changed = True
                add(block)
                if time.monotonic() >= deadline:
                    return False
            return True
        finally:
            for nonce in self._fold.settle(self._now()):
                self._on_canary(nonce)
            self._take_gaps(tail)

    def _add_access_log(self, block: Block) -> None:
        parsed = access_log.parse(block.lines)
        entries, position = parsed.entries, block.position
        if position.after is not None:
            entries = [entry for entry in entries if entry.start > position.after]
        self._numbering.add(entries)
        self._fold.add(entries)
        if entries:
            newest = max([entry.start for entry in entries])
            position.newest = max(newest, position.newest or newest)
        self._count_bad(position.path, parsed.bad)
        self.totals["lines"] += len(entries) + len(parsed.bad)
        self._refuse_common(parsed)

    def _refuse_common(self, parsed: access_log.Parsed) -> None:
        if parsed.entries:
            self._is_common = False
        elif not self._is_common and any(access_log.looks_common(line) for line in parsed.bad):
            self._is_common = True
            log.error(
                "%s is written in the `common` format, which names no host, so nothing is put to"
                " sleep; set `accessLog.format: json` in Traefik's static configuration",
                self._log.path,
            )

    def _add_journal(self, block: Block) -> None:
        for line in bytes(block.lines).split(b"\n"):
            if not line:
                continue
            event = _event(line)
            if event is None:
                self._count_bad(block.position.path, [line])
                continue
            at = moment(event["at"])
            newest, after = block.position.newest, block.position.after
            if after is None or at is None or at > after:
                self._add_event(event)
            if at is not None:
                block.position.newest = at if newest is None else max(newest, at)

    def _count_bad(self, path: str, lines: list[bytes]) -> None:
        if lines:
            self.totals["bad"] += len(lines)
            self._samples.add(path, lines[0], len(lines))

    def _take_gaps(self, tail: Tail) -> None:
        if tail.overlong:
            self.totals["overlong"] += tail.overlong
            self.totals["lines"] += tail.overlong
            self._samples.add(str(tail.path), b"(a line that is too long)", tail.overlong)
            tail.overlong = 0
            self._changed = True
        for text in tail.gaps:
            self._doubt("log_gap", text)
        tail.gaps.clear()

    def _look_at_clock(self) -> None:
        step_s = self._clock.step_s()
        if step_s:
            self._doubt("clock_step", f"the clock was set by {step_s:.0f} s")
            log.warning("the clock was set by %.0f s; every host counts as used now", step_s)

    def _doubt(self, kind: str, detail: str) -> None:
        """Record that something may have been missed: every host counts as active now."""
        event = {"at": self._now(), "host": _ALL_HOSTS, "kind": kind, "detail": detail}
        self._add_event(msgspec.to_builtins(event))

    # Events.

    def _take_recorded(self) -> None:
        while True:
            try:
                self._add_event(self._recorded.get_nowait())
            except queue.Empty:
                return

    def _add_event(self, event: _Document) -> None:
        self._events.append(event)
        self._changed = True
        self._signs.add(event, self._now())

    # Committing.

    def _put(self) -> None:
        """Bring the tables up to date; cheap when the last commit has failed."""
        changed = self._fold.changed
        self._store.put_hosts(self._fold.counts[name].document() for name in changed)
        changed.clear()
        if self._events:
            self._store.events.insert_multiple(self._events)
            self._events = []
        self.totals["unregistered"] = self._fold.unregistered
        positions = [*self._log.positions(), *self._journal.positions()]
        self._store.replace("positions", msgspec.to_builtins(positions))
        self.totals["lines_missing"] = self._numbering.missing()
        self._store.replace("totals", [self.totals])
        self._store.replace("numbering", [_numbering_document(self._numbering)])
        self._store.replace("clock", [self._clock.document()])


def _of(path: Path, positions: list[Position]) -> list[Position]:
    return [position for position in positions if position.log == str(path)]


def _event(line: bytes) -> _Document | None:
    try:
        event = msgspec.json.decode(line, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    whole = all(isinstance(event.get(key), str) for key in ("at", "host", "kind"))
    return event if whole else None


def _load_hosts(store: Store) -> list[HostCount]:
    try:
        return [HostCount.load(document) for document in store.hosts]
    except (KeyError, TypeError, ValueError) as error:
        raise WaitroomError(f"{store.path}: table hosts is not ours: {error!r}") from error


def _load_positions(store: Store) -> list[Position]:
    try:
        return msgspec.convert(list(store.table("positions")), list[Position])
    except msgspec.ValidationError as error:
        raise WaitroomError(f"{store.path}: table positions is not ours: {error}") from error


def _load_totals(store: Store) -> dict[str, int]:
    totals = {"lines": 0, "bad": 0, "overlong": 0, "unregistered": 0, "lines_missing": 0}
    for document in store.table("totals"):
        totals.update({name: int(document.get(name, 0)) for name in totals})
    return totals


def _load_numbering(store: Store) -> Numbering:
    for document in store.table("numbering"):
        return Numbering(document["settled"], document["following"], document["holes"])
    return Numbering()


def _numbering_document(numbering: Numbering) -> _Document:
    return {
        "settled": numbering.settled,
        "following": numbering.following,
        "holes": sorted(numbering.holes),
    }
