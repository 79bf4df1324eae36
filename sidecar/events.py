"""What happened: events from the journal and our own, and what the idle question asks of them.

An event is a document: `at, host, kind, ...`. Those that are not in the store yet wait here.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sidecar.signs import Signs

_ALL_HOSTS = "*"  # the host of an event that concerns every one
Event = dict[str, Any]


class Events:
    """Events on their way to the store. `record` and the questions may be called by any thread."""

    def __init__(self, known: Iterable[Mapping[str, Any]], now: Callable[[], datetime]) -> None:
        """Begin with those of the store."""
        self._now = now
        self._recorded: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.new: list[Event] = []  # not in the store yet; whoever puts them there empties it
        self.signs = Signs()
        for event in known:
            self.signs.add(event, now())

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
        self.signs.add(event, self._now())

    def doubt(self, kind: str, detail: str) -> None:
        """Add that something may have been missed: every host counts as active now."""
        event = {"at": self._now(), "host": _ALL_HOSTS, "kind": kind, "detail": detail}
        self.add(msgspec.to_builtins(event))


def parse(line: bytes) -> Event | None:
    """Read a line of the journal; None if it is no event."""
    try:
        event = msgspec.json.decode(line, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    whole = all(isinstance(event.get(key), str) for key in ("at", "host", "kind"))
    return event if whole else None
