"""Events of the record a page at a time, the newest first, as they were written.

A file at a time is in memory, and an answer looks into a few of them only: a filter that nothing
passes must not read years. Then the page is short, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from waitroom.errors import WaitroomError
from waitroom.record import documents
from waitroom.record.documents import FAULTS, Archived

_EVENTS = 50  # on a page
_FILES = 3  # looked into for it
_NOW = "now"  # activity.json, the newest of all files
_END = 2**63
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are asked for; an empty text asks for all."""

    host: str = ""
    kind: str = ""
    since: str = ""  # a day, 2026-01-31
    until: str = ""  # the last day

    def includes(self, event: _Seen) -> bool:
        """Whether an event is one of them."""
        return (
            self.kind in ("", event.kind)
            and self.host in ("", event.host)
            and self.since <= event.at[:10] <= (self.until or "9999")  # all are written in UTC
        )


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, and where the next page begins; None: there is none."""

    events: list[Event]
    older: str | None
    faults: list[str]  # what could not be read


class _Seen(Struct, gc=False):
    at: str
    host: str
    kind: str


class _Newest(Struct):
    events: dict[int, Raw] = {}
    archived: dict[int, Archived] = {}


_seen = msgspec.json.Decoder(_Seen).decode


def page(data: Path, wanted: Filter, before: str = "") -> Page:
    """Return a page. `before`: where another one ended. Raises: ValueError when it is no such."""
    name, _, number = (before or f"{_NOW}.{_END}").partition(".")
    last, found, faults = int(number), list[Event](), list[str]()
    for looked, (file, path) in enumerate(_files(data, wanted, name, faults)):
        if looked == _FILES:
            return Page(found, f"{file}.{_END}", faults)
        try:
            for found_id, event in _events(path, wanted, last if file == name else _END):
                found.append(event)
                if len(found) == _EVENTS:
                    return Page(found, f"{file}.{found_id}", faults)
        except WaitroomError as error:
            faults.append(str(error))
    return Page(found, None, faults)


def _files(data: Path, wanted: Filter, first: str, faults: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files that may hold such events, the newest first."""
    if first == _NOW:
        yield _NOW, data / "activity.json"
    try:
        months = documents.months(data / "archive")
    except WaitroomError as error:
        faults.append(str(error))
        return
    for path in reversed(months):
        if (first == _NOW or path.stem <= first) and (
            wanted.since[:7] <= path.stem <= (wanted.until[:7] or "9999")
        ):
            yield path.stem, path


def _events(path: Path, wanted: Filter, before: int) -> Iterator[tuple[int, Event]]:
    file = documents.load(path, _Newest)
    archived = next(iter(file.archived.values()), Archived())
    for number in sorted(file.events, reverse=True):
        try:
            seen = _seen(file.events[number])
        except FAULTS:
            continue
        # activity.json keeps the newest of each kind, which the archive has, too.
        twice = number <= archived.last_id and seen.at < archived.before
        if number < before and not twice and wanted.includes(seen):
            yield number, msgspec.json.decode(file.events[number])
