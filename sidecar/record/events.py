"""What happened: events from the journal and our own, and what the idle question asks of them.

An event is a document: `at, host, kind, ...`. Those that are not in the store yet wait here.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sidecar.record.awake import Awake
from waitroom.kinds import Kind
from waitroom.record.occurrence import ALL_HOSTS, is_event
from waitroom.signs import Signs, moment

Event = dict[str, Any]
_NEVER = datetime.min.replace(tzinfo=UTC)


class Events:
    """Events on their way to the store. `record` and the questions may be called by any thread."""

    def __init__(
        self,
        known: Iterable[Mapping[str, Any]],
        now: Callable[[], datetime],
        on_new: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """Begin with those of the store; `on_new`: told of all others."""
        self._now = now
        self._on_new = on_new
        self._recorded: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.new: list[Event] = []  # not in the store yet; whoever puts them there empties it
        self.signs = Signs()
        self.awake = Awake()
        for event in known:
            self._learn(event)

    def record(self, event: Event) -> None:
        """Hand in an event."""
        self._recorded.put(msgspec.to_builtins(event))

    def take_recorded(self) -> None:
        """Add what was handed in."""
        while True:
            try:
                self.add(self._recorded.get_nowait())
            except queue.Empty:
                return

    def add(self, event: Event) -> None:
        """Add an event as it stands in JSON.

        One that is yet to come was told by a clock that was ahead: it is of now, and lasts as long.
        """
        at, now = moment(event["at"]), self._now()
        if at is not None and at > now:
            until = moment(event.get("until"))
            lasting = {} if until is None else {"until": now + max(until - at, timedelta())}
            event = msgspec.to_builtins({**event, "at": now, **lasting})
        self.new.append(event)
        self._learn(event)
        self._on_new(event)

    def _learn(self, event: Mapping[str, Any]) -> None:
        self.signs.add(event, self._now())
        self.awake.add(event, time.monotonic())

    def doubt(self, kind: Kind, detail: str, **fields: float) -> None:
        """Add that something may have been missed: every host counts as active now."""
        event = {"at": self._now(), "host": ALL_HOSTS, "kind": kind, "detail": detail, **fields}
        self.add(msgspec.to_builtins(event))

    def begin_watch(self, last_beat: datetime | None, step_s: float, *, rebooted: bool) -> None:
        """Add that the hosts are watched from now on, and for how long they were not.

        `last_beat`: when they were watched last, by a clock that was set by `step_s` since, as far
        as is known; nobody knows if the machine was `rebooted`.
        """
        now = self._now()
        event: Event = {"at": now, "host": ALL_HOSTS, "kind": Kind.WATCH_STARTED}
        if last_beat is not None:
            event["unwatched_s"] = max(0.0, (now - last_beat).total_seconds() - step_s)
            event |= {"rebooted": True} if rebooted else {}
        self.add(msgspec.to_builtins(event))


def by_time(events: Iterable[Event]) -> list[Event]:
    """Sort what two processes have recorded; moments before and after a step don't compare."""
    ordered: list[Event] = []
    of_one_clock: list[Event] = []
    for event in events:
        if event["kind"] == Kind.CLOCK_STEP:
            ordered += [*sorted(of_one_clock, key=_moment), event]
            of_one_clock.clear()
        else:
            of_one_clock.append(event)
    return ordered + sorted(of_one_clock, key=_moment)


def _moment(event: Event) -> datetime:
    return moment(event["at"]) or _NEVER


def parse(line: bytes) -> Event | None:
    """Read a line of the journal; None if it is no event."""
    try:
        event = msgspec.json.decode(line, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return event if is_event(event) else None


def load(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Read a table, one by one. Raises: ValueError on a foreign one."""
    for document in documents:
        if not is_event(document):
            fields = ", ".join(document) or "nothing"
            raise ValueError(f"expected at, host and kind, got only {fields}")
        yield document
