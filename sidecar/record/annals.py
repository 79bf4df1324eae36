"""What becomes of events and hours: ledger and rows in activity.json, and later the archive.

activity.json is written at every commit, so it holds today and yesterday (UTC), and of what is
older only each host's newest event of each kind: the idle question and the page ask for those. The
rest stands in the archive. Only what was committed goes there, or a kill would have it counted
again; and the commit after that drops it here. So a kill in between leaves it in both places, where
it is known by its id, or by host and day.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sidecar.record.archive import Archive
from sidecar.record.hours import Hours
from sidecar.record.openings import Openings
from sidecar.record.store import Store
from waitroom.errors import WaitroomError
from waitroom.record import occurrence
from waitroom.record.documents import Archived
from waitroom.record.ledger import Ledger, OnSpan
from waitroom.record.occurrence import Event
from waitroom.record.past import Past
from waitroom.record.rows import Row, load, name_of
from waitroom.record.standing import State

log = logging.getLogger(__name__)

Document = dict[str, Any]
# What happened in an hour is recorded by then, if the other process is not held up for long.
_LATE = timedelta(seconds=10)
_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000


class Annals:
    """Called by the one thread that commits; `state` by any."""

    def __init__(self, store: Store, archive: Archive) -> None:
        """Go on from the store. Raises: WaitroomError when that is not ours."""
        self._store = store
        self._archive = archive
        try:
            self.hours = Hours(rows := load(store.take_rows()), self._recall)
            self._ledger = Ledger(self.hours.spend, store.only("ledger"))
            self._openings = Openings(store.documents("openings"))
            self._archived = msgspec.convert(store.only("archived") or {}, Archived)
        except msgspec.ValidationError as error:
            raise WaitroomError(f"{store.path}: is not ours: {error}") from error
        store.put_rows(rows)
        with _readable():
            archive.probe()
            # Should activity.json be lost, or an older one, its next events need other ids.
            archived_id = archive.last_id(self._archived.before[:7])
            store.last_event = max(store.last_event, archived_id)
        self._hour: datetime | None = None  # the last one that was closed
        self._watching = False

    def watch(self) -> None:
        """Take it from now on that the hosts are watched, so that time without events counts."""
        self._watching = True

    def state(self, host: str) -> State:
        """Return what a host does, as far as is recorded."""
        return self._ledger.state(host)

    def is_due(self, now: datetime) -> bool:
        """Whether an hour has ended that is not closed yet."""
        return _hour_of(now) != self._hour

    def put(self, events: Sequence[Document], now: datetime) -> None:
        """Put new events and what follows from them into the store."""
        first = self._store.last_event + 1
        self._store.add_events(events)
        clock, before = self._ledger.steady, self._ledger.steady.reckoning()
        for number, document in enumerate(events, first):
            self._openings.look(document["at"], number, self._ledger)
            event = occurrence.convert(document)
            if event is not None:
                self._ledger.add(event, event.at_us())
        changed_us = clock.changed_since(before)
        if changed_us is not None:
            self._replay(now, changed_us)
        if self._watching and self.is_due(now):
            self._ledger.tell_until(occurrence.microseconds(_hour_of(now)))
        self._store.put_rows(self.hours.take_changed())
        self._store.replace("ledger", [self._ledger.document()])
        self._store.replace("openings", self._openings.documents())
        self._store.replace("archived", [msgspec.to_builtins(self._archived)])

    def _replay(self, now: datetime, since_us: int) -> None:
        """Count anew for how long hosts were awake: since then, it shows, the clock was wrong."""
        since_us = min(since_us, occurrence.microseconds(now - _DAY)) // _DAY_US * _DAY_US
        first = name_of(since_us // _DAY_US)
        with _readable():
            self.hours.forget_time(first, self._archive.days(first))
        past = Past(self._store.path.parent, Event)
        month, opening = past.opening(first[:7])
        known, after = (opening.ledger, opening.last_id) if opening else (None, 0)
        newest = {
            number: event
            for number, document in self._store.numbered_events()
            if (event := occurrence.convert(document))
        }

        def replayed(on_span: OnSpan, believed: Sequence[int] | None = None) -> Ledger:
            ledger = Ledger(on_span, known, believed)
            for event in past.events(month, after, newest):
                ledger.add(event, event.at_us())
            return ledger

        believed = replayed(lambda *_: None).steady.reckoning()
        self._ledger = replayed(
            lambda host, state, start_us, end_us: self.hours.spend(
                host, state, max(start_us, since_us), end_us
            ),
            believed,
        )
        if self._watching:
            self._ledger.tell_until(occurrence.microseconds(_hour_of(now)))
        self._ledger.go_on(self.hours.spend)

    def archive(self, now: datetime) -> bool:
        """After a commit as of `now`, move what is old; whether another one has to drop it here."""
        if not self.is_due(now):
            return False
        self._hour = _hour_of(now)
        try:
            return self._move_before((self._hour.date() - _DAY).isoformat(), now)
        except OSError as error:
            log.error(
                "%s: the archive can't be kept, trying again in an hour: %s",
                error.filename, error.strerror,
            )  # fmt: skip
            return False

    def _move_before(self, name: str, now: datetime) -> bool:
        """Move what is older to the archive; False if nothing is.

        Raises: OSError; then nothing is dropped here.
        """
        rows = self.hours.before(name)
        old = {n: event for n, event in self._store.numbered_events() if event["at"] < name}
        new = {
            number: event
            for number, event in old.items()
            if event["at"] >= self._archived.before or number > self._archived.last_id
        }
        if not rows and not new:
            return False
        self._archive.put(new, rows, now, self._openings.pending())
        self._openings.forget_before(name)
        self._archived = Archived(name, self._store.last_event)
        self.hours.forget_before(name)
        self._store.drop_rows(rows)
        self._store.drop_events(old.keys() - _newest(self._store.numbered_events()))
        return True

    def _recall(self, day: str) -> list[Row]:
        with _readable():
            return self._archive.recall(day)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Demand that the archive can be read. Raises: WaitroomError."""
    try:
        yield
    except OSError as error:
        raise WaitroomError(f"{error.filename}: can't be read: {error.strerror}") from error


def _hour_of(now: datetime) -> datetime:
    """Return the hour before which all is recorded."""
    return (now - _LATE).replace(minute=0, second=0, microsecond=0)


def _newest(events: Iterable[tuple[int, Document]]) -> set[int]:
    """Return the id of each host's newest event of each kind."""
    newest = {(event["host"], event["kind"]): number for number, event in events}
    return set(newest.values())
