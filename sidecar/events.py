"""What happened: events from the journal and our own, and what the idle question asks of them.

An event is a document: `at, host, kind, ...`. Those that are not in the store yet wait here.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

_WAKES = frozenset({"wake_requested", "woken", "found_running"})
_DOUBTS = frozenset({"log_gap", "clock_step"})
_ALL_HOSTS = "*"  # the host of an event that concerns every one
NEVER = datetime.fromtimestamp(0, UTC)
Event = dict[str, Any]


class Events:
    """Events on their way to the store. `record` and the questions may be called by any thread."""

    def __init__(self, known: Iterable[Mapping[str, Any]], now: Callable[[], datetime]) -> None:
        """Begin with those of the store."""
        self._now = now
        self._recorded: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.new: list[Event] = []  # not in the store yet; whoever puts them there empties it
        self.doubt_at = NEVER  # something may have been missed: every host counts as active then
        self._woken: dict[str, datetime] = {}
        for event in known:
            self._note(event)

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
        """Add an event as it stands in JSON."""
        self.new.append(event)
        self._note(event)

    def doubt(self, kind: str, detail: str) -> None:
        """Add that something may have been missed: every host counts as active now."""
        event = {"at": self._now(), "host": _ALL_HOSTS, "kind": kind, "detail": detail}
        self.add(msgspec.to_builtins(event))

    def last_woken(self, host: str) -> datetime | None:
        """Return when the host was last woken, or found running."""
        return self._woken.get(host)

    def _note(self, event: Mapping[str, Any]) -> None:
        """Remember of an event what the idle question asks for."""
        at, host, kind = moment(event.get("at")), event.get("host"), event.get("kind")
        if at is None or not isinstance(host, str):
            return
        at = min(at, self._now())
        if kind in _DOUBTS:
            self.doubt_at = max(at, self.doubt_at)
        elif kind in _WAKES:
            self._woken[host] = max(at, self._woken.get(host, at))


def parse(line: bytes) -> Event | None:
    """Read a line of the journal; None if it is no event."""
    try:
        event = msgspec.json.decode(line, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    whole = all(isinstance(event.get(key), str) for key in ("at", "host", "kind"))
    return event if whole else None


def moment(text: object) -> datetime | None:
    """Read a moment; None if it is none, or has no time zone."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
