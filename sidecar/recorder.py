"""The recorder: what the logs say becomes counts and events in activity.json, each line once.

log line -> tail -> intake -> store. Counts, events and read positions are committed in one atomic
replace, so a crash at any point repeats what was not committed and nothing else.

One thread reads and commits. `record`, and what only returns what is known, may be called by any.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sidecar import positions, siblings
from sidecar.activity import Fold, HostCount
from sidecar.annals import Annals
from sidecar.archive import Archive
from sidecar.clock import Clock
from sidecar.commits import Commits
from sidecar.events import Event, Events
from sidecar.generations import Block
from sidecar.intake import Intake
from sidecar.ledger import State
from sidecar.numbering import Numbering
from sidecar.occurrence import ReadTo
from sidecar.positions import Position
from sidecar.store import Store
from sidecar.tail import Tail
from sidecar.webhooks import Webhooks
from waitroom.errors import WaitroomError
from waitroom.hosts import Registry
from waitroom.idle import Wish

log = logging.getLogger(__name__)

_SLICE_S = 0.1


class Recorder:
    """The one owner of activity.json."""

    def __init__(
        self,
        *,
        data: Path,
        access_log: Path,
        registry: Registry,
        on_canary: Callable[[str], None],
        on_event: Callable[[Event], None] = lambda _: None,
        release_log: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open activity.json.

        `on_event`: told of each event that was not recorded before. `release_log`: what was
        recorded need not stay on the disk.

        Raises: WaitroomError when another sidecar has it open, or the log can't be followed.
        """
        siblings.demand_folder(access_log)
        self._on_canary = on_canary
        self._releases = release_log
        self._now = now
        self._store = store = Store(data)
        self._annals = Annals(store, Archive(data))
        self._fold = Fold(registry, _load_hosts(store), self._annals.hours)
        self._numbering = Numbering.load(store.table("numbering"))
        self._events = Events(store.events, now, on_event)
        self._intake = Intake(
            fold=self._fold,
            numbering=self._numbering,
            events=self._events,
            totals=store.table("totals"),
        )
        known, journal = _load_positions(store), data / "journal.jsonl"
        # With damaged counts, all that can still be read is worth more than a quick start.
        skip = store.fresh and not store.damaged
        self._log = Tail(access_log, positions.of(access_log, known), skip_rotated=skip)
        self._journal = Tail(journal, positions.of(journal, known), optional=True)
        self._clock = Clock(known=next(iter(store.table("clock")), None))
        self._webhooks = Webhooks(registry.webhooks, store.table("webhooks"))
        self._canaries: list[str] = []  # read, and not committed yet
        self._changed = store.fresh
        self.commits = Commits()
        self._read_to: ReadTo | None = None
        self.caught_up = False  # whether the end of both logs was reached, and can be recorded
        self._caught_up_s = time.monotonic()  # when it was reached last, or reading began

    def adopt(self, registry: Registry) -> None:
        """Go by a reloaded hosts.yaml; nothing recorded is lost."""
        self._fold.adopt(registry)
        self._webhooks.adopt(registry.webhooks)

    def read(self) -> bool:
        """Read a slice of both logs; True if more is waiting. Never raises."""
        deadline = time.monotonic() + _SLICE_S
        self._look_at_clock()
        self._events.take_recorded()
        ends = [
            self._read_on(self._journal, self._intake.add_journal, deadline),
            self._read_on(self._log, self._intake.add_access_log, deadline),
        ]
        # A journal that is not there yet is an empty one; a missing access log tells nothing.
        if self._log.fault or self._intake.is_common or self.commits.failing:
            self.caught_up = False
        elif all(ends):
            self.caught_up = True
            self._caught_up_s = time.monotonic()
        return not all(ends)

    def commit(self) -> bool:
        """Write what has changed; False when the disk refuses, to be tried again."""
        self._events.take_recorded()
        self._changed |= self._webhooks.take_changed()
        if not (self._changed or self._events.new or self._annals.is_due(self._now())):
            return True
        commits, began_s = self.commits, time.monotonic()
        self._put()
        try:
            self._store.commit()
        except OSError as error:
            if not commits.failing:
                log.error("%s: can't be written, trying again: %s", self._store.path, error)
            commits.failed += 1
            self._changed = commits.failing = True
            return False
        if commits.failing:
            log.info("%s: is written again", self._store.path)
        commits.done += 1
        commits.took_s += time.monotonic() - began_s
        self._changed = commits.failing = False
        self._prove()
        self._release()
        return True

    def record(self, event: Event) -> None:
        """Record an event of the sidecar's own: `at, host, kind, ...`."""
        self._events.record(event)

    def watch(self, last_beat: datetime | None) -> None:
        """Begin to watch the hosts; `last_beat`: when a process before us has last done so."""
        self._events.begin_watch(last_beat, self._look_at_clock())
        self._annals.watch()

    def note_stopped(self, host: str) -> None:
        """Record that a host was seen to be stopped, if no event has said so. Any thread may."""
        if self._annals.state(host) is not State.ASLEEP:
            self.record({"at": self._now(), "host": host, "kind": "found_stopped"})

    def read_to(self) -> ReadTo | None:
        """Return up to where the access log is read. Any thread may ask."""
        return self._read_to

    def last_used(self, host: str) -> datetime | None:
        """Return the end of the newest activity, or the moment of a gap in the log if later."""
        count = self._fold.counts.get(host)
        return self._events.signs.last_used(count.last_activity if count else 0.0, self._now())

    def last_woken(self, host: str) -> datetime | None:
        """Return when the host was last woken, or found running."""
        return self._events.signs.last_woken(host)

    def kept_until(self, host: str) -> datetime | None:
        """Return until when an operator keeps the host awake."""
        return self._events.signs.kept_until(host)

    def awake_s(self, host: str) -> float | None:
        """Return for how long a host was awake since we began; None: nothing is known of it."""
        return self._events.awake.seconds(host, time.monotonic())

    def wish(self, host: str) -> Wish | None:
        """Return an operator's wish that the host sleeps, unless it was answered."""
        return self._events.signs.wish(host)

    def close(self) -> None:
        """Commit, and let others record."""
        self.commit()
        self.release()

    def release(self) -> None:
        """Let others record; what was not committed is read again by them."""
        self._webhooks.end()
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

    def lag_s(self) -> float:
        """Return how long ago the end of both logs was reached."""
        return time.monotonic() - self._caught_up_s

    def is_well(self) -> bool:
        """Whether the logs can be read, and what was read be written."""
        unread = self._log.fault or self._journal.fault or self._intake.is_common
        return not unread and not self.commits.failing

    def counts(self) -> list[HostCount]:
        """Return the counts of all hosts; their figures may be those of the next moment."""
        return list(self._fold.counts.values())

    def totals(self) -> dict[str, int]:
        """Return how many lines there were, of each kind."""
        return self._intake.totals()

    def host_count(self) -> int:
        """Return how many hosts are recorded."""
        return len(self._fold.counts)

    def _read_on(self, tail: Tail, add: Callable[[Block], None], deadline: float) -> bool:
        """Read until the end or the deadline; True at the end."""
        tail.look()
        try:
            while (block := tail.read()) is not None:
                self._changed = True
                add(block)
                if tail is self._log:
                    self._read_to = ReadTo(block.position.path, block.position.offset)
                if time.monotonic() >= deadline:
                    return False
            return True
        finally:
            self._canaries += self._fold.settle(self._now())
            self._changed |= tail.losses.overlong > 0
            self._intake.take_losses(str(tail.path), tail.losses)

    def _look_at_clock(self) -> float:
        """Return by how much the clock was set; 0.0 if it was not."""
        step_s = self._clock.step_s()
        if step_s:
            self._events.doubt("clock_step", f"the clock was set by {step_s:.0f} s", step_s=step_s)
            log.warning("the clock was set by %.0f s; every host counts as used now", step_s)
        return step_s

    def _put(self) -> None:
        """Bring the tables up to date; cheap when the last commit has failed."""
        store, changed = self._store, self._fold.changed
        store.put_hosts(self._fold.counts[name].document() for name in changed)
        changed.clear()
        for event in self._annals.put(self._events.new, self._now()):
            self._webhooks.put(event)
        self._events.new.clear()
        store.replace("webhooks", self._webhooks.waiting())
        read = [*self._log.positions(), *self._journal.positions()]
        store.replace("positions", msgspec.to_builtins(read))
        store.replace("totals", [self._intake.totals()])
        store.replace("numbering", [self._numbering.document()])
        store.replace("clock", [self._clock.document()])

    def _prove(self) -> None:
        """Tell of the canaries that were read; where nothing can be written, no wake can either."""
        for nonce in self._canaries:
            self._on_canary(nonce)
        self._canaries.clear()

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


def _load_hosts(store: Store) -> list[HostCount]:
    try:
        return [HostCount.load(document) for document in store.hosts]
    except (KeyError, TypeError, ValueError) as error:
        raise WaitroomError(f"{store.path}: table hosts is not ours: {error!r}") from error


def _load_positions(store: Store) -> list[Position]:
    try:
        return positions.load(store.table("positions"))
    except msgspec.ValidationError as error:
        raise WaitroomError(f"{store.path}: table positions is not ours: {error}") from error
