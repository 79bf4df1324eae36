"""The recorder: what the logs say becomes counts and events in activity.json, each line once.

log line -> tail -> intake -> store. Counts, events and read positions are committed in one atomic
replace, so a crash at any point repeats what was not committed and nothing else.

One thread reads and commits. `record`, and what only returns what is known, may be called by any.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sidecar.log import positions, siblings
from sidecar.log.numbering import Numbering
from sidecar.record import counts, events
from sidecar.record.activity import Fold
from sidecar.record.annals import Annals
from sidecar.record.archive import Archive
from sidecar.record.clock import Clock
from sidecar.record.commits import Commits
from sidecar.record.events import Event, Events
from sidecar.record.intake import Intake
from sidecar.record.known import Known
from sidecar.record.reading import Reading
from sidecar.record.store import Store
from sidecar.webhooks import Webhooks
from waitroom.errors import WaitroomError
from waitroom.kinds import Kind
from waitroom.record.standing import State
from waitroom.registry.hosts import Registry

log = logging.getLogger(__name__)

_T = TypeVar("_T")


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
        self._now = now
        self._store = store = Store(data)
        self._annals = Annals(store, Archive(data))
        self._fold = Fold(registry, _load(store, "hosts", counts.load), self._annals.hours)
        self._numbering = _load(store, "numbering", Numbering.load)
        self._events = _load(
            store, "events", lambda known: Events(events.load(known), now, on_event)
        )
        self._intake = _load(
            store, "totals", lambda known: Intake(self._fold, self._numbering, self._events, known)
        )
        self.known = Known(self._fold.counts, self._events, now)
        self.reading = Reading(
            access_log,
            data / "journal.jsonl",
            _load(store, "positions", positions.load),
            self._intake,
            release=release_log,
            # With damaged counts, all that can still be read is worth more than a quick start.
            skip_rotated=store.fresh and not store.damaged,
        )
        self._clock = _load(store, "clock", lambda known: Clock(known=next(iter(known), None)))
        self._webhooks = _load(store, "webhooks", lambda known: Webhooks(registry.webhooks, known))
        self._changed = store.fresh  # something is to be committed that was not read
        self.commits = Commits()
        self.caught_up = False  # whether the end of both logs was reached, and can be recorded
        self._caught_up_s = time.monotonic()  # when it was reached last, or reading began

    def adopt(self, registry: Registry) -> None:
        """Go by a reloaded hosts.yaml; nothing recorded is lost."""
        self._fold.adopt(registry)
        self._webhooks.adopt(registry.webhooks)

    def read(self) -> bool:
        """Read a slice of both logs; True if more is waiting. Never raises."""
        self._look_at_clock()
        self._events.take_recorded()
        at_end = self.reading.read(self._now)
        if not self.is_well():
            self.caught_up = False
        elif at_end:
            self.caught_up = True
            self._caught_up_s = time.monotonic()
        return not at_end

    def commit(self) -> bool:
        """Write what has changed; False when the disk refuses, to be tried again."""
        self._events.take_recorded()
        self._changed |= self._webhooks.take_changed()
        changed = self._changed or self.reading.changed or self._events.new
        now = self._now()
        if not (changed or self._annals.is_due(now)):
            return True
        self._put(now)
        if not self.commits.take(self._store.commit, self._store.path):
            self._changed = True
            return False
        self.reading.changed = False
        self._prove()
        self.reading.release()
        self._changed = self._annals.archive(now)
        return not self._changed or self.commit()  # which drops here what is archived now

    def record(self, event: Event) -> None:
        """Record an event of the sidecar's own: `at, host, kind, ...`."""
        self._events.record(event)

    def watch(self, last_beat: datetime | None) -> None:
        """Begin to watch the hosts; `last_beat`: when a process before us has last done so."""
        step_s, rebooted = self._look_at_clock(), self._clock.rebooted
        if rebooted and last_beat is not None and last_beat > self._now():
            step_s = (self._now() - last_beat).total_seconds()  # at least by so much
            self._note_step(step_s)
        self._events.begin_watch(last_beat, step_s, rebooted=rebooted)
        self._annals.watch()

    def note_stopped(self, host: str) -> None:
        """Record that a host was seen to be stopped, if no event has said so. Any thread may."""
        if self._annals.state(host) is not State.ASLEEP:
            self.record({"at": self._now(), "host": host, "kind": Kind.FOUND_STOPPED})

    def close(self) -> None:
        """Let others record; what was not committed is read again by them.

        Nothing is committed here: after an error, or Ctrl-C, half a block may be counted whose
        position has moved already.
        """
        self._webhooks.end()
        self.reading.close()
        self._store.close()

    def lag_s(self) -> float:
        """Return how long ago the end of both logs was reached."""
        return time.monotonic() - self._caught_up_s

    def is_well(self) -> bool:
        """Whether the logs can be read, and what was read be written."""
        return self.reading.is_well() and not self.commits.failing

    def totals(self) -> dict[str, int]:
        """Return how many lines there were, of each kind."""
        return self._intake.totals()

    def undelivered(self) -> int:
        """Return how many events wait for the receivers of webhooks."""
        return self._webhooks.undelivered()

    def _look_at_clock(self) -> float:
        """Return by how much the clock was set; 0.0 if it was not."""
        step_s = self._clock.step_s()
        if step_s:
            self._note_step(step_s)
        return step_s

    def _note_step(self, step_s: float) -> None:
        self._events.doubt(Kind.CLOCK_STEP, f"the clock was set by {step_s:.0f} s", step_s=step_s)
        log.warning("the clock was set by %.0f s; every host counts as used now", step_s)
        self._fold.turn_back(self._now())

    def _put(self, now: datetime) -> None:
        """Bring the tables up to date; cheap when the last commit has failed."""
        store = self._store
        store.put_hosts(self._fold.counts.values())
        new = events.by_time(self._events.new)
        self._annals.put(new, now)
        for event in new:
            self._webhooks.put(event)
        self._events.new.clear()
        store.replace("webhooks", self._webhooks.waiting())
        store.replace("positions", msgspec.to_builtins(self.reading.positions()))
        store.replace("totals", [self._intake.totals()])
        store.replace("numbering", [self._numbering.document()])
        store.replace("clock", [self._clock.document()])

    def _prove(self) -> None:
        """Tell of the canaries that were read; where nothing can be written, no wake can either."""
        for nonce in self.reading.canaries:
            self._on_canary(nonce)
        self.reading.canaries.clear()


def _load(store: Store, name: str, load: Callable[[Iterable[Mapping[str, Any]]], _T]) -> _T:
    try:
        return load(store.documents(name))
    except (msgspec.ValidationError, LookupError, TypeError, ValueError) as error:
        raise WaitroomError(f"{store.path}: table {name} is not ours: {error}") from error
