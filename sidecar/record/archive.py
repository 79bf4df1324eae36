"""The archive: what is too old for activity.json, a file a month, of the same form.

`archive/2026-01.json` has the tables `events`, `hours`, and `days` for those days whose hours
nobody asks for any more; and `opening`, how all hosts stood as the month began. An event keeps its
id, a row is known by host and day; so to put the same there once more changes nothing, and what a
kill left in both places is read once.

Each file is replaced whole. Only the sidecar writes here, anybody may read.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from sidecar.record.atomic import replace
from waitroom.record.documents import files
from waitroom.record.opening import Opening
from waitroom.record.rows import Day, Row, fold, unfold

log = logging.getLogger(__name__)

HOURS_KEPT = timedelta(days=90)
Event = Mapping[str, Any]


class Month(Struct):
    """One file."""

    opening: dict[int, Opening] = {}  # one, or none
    events: dict[int, Raw] = {}  # passed on as they are
    hours: dict[int, Row] = {}
    days: dict[int, Day] = {}

    def open_with(self, opening: Opening | None, newest: int) -> None:
        """Put an opening there, or keep the one that is; `newest`: the last id of what is new.

        Of what is new to the months before, that is: an opening that does not know it goes.
        """
        known = {1: opening} if opening else self.opening
        self.opening = {n: one for n, one in known.items() if one.last_id >= newest}

    def add_events(self, events: Mapping[int, Event]) -> None:
        """Put events there, in the order of their ids."""
        news = {number: Raw(msgspec.json.encode(event)) for number, event in events.items()}
        merged = {**self.events, **news}
        self.events = {number: merged[number] for number in sorted(merged)}

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Put rows there, in place of those of the same host and day."""
        merged = {row.key: row for row in rows}
        self._set_rows({**_by_key(self.hours), **merged}, _without(self.days, merged))

    def fold_before(self, day: str) -> None:
        """Keep only the sums of earlier days."""
        known = _by_key(self.hours)
        old = {key: fold(row) for key, row in known.items() if row.day < day}
        self._set_rows(_without(self.hours, old), {**_by_key(self.days), **old})

    def rows(self, day: str) -> list[Row]:
        """Return the rows of a day."""
        folded = [unfold(row) for row in self.days.values() if row.day == day]
        return folded + [row for row in self.hours.values() if row.day == day]

    def _set_rows(
        self,
        of_hours: Mapping[tuple[str, str], Row],
        of_days: Mapping[tuple[str, str], Day],
    ) -> None:
        self.hours = {n: of_hours[key] for n, key in enumerate(sorted(of_hours), 1)}
        self.days = {n: of_days[key] for n, key in enumerate(sorted(of_days), 1)}


class Archive:
    """The files of a data folder."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "archive"
        self._looked_at: set[str] = set()

    def probe(self) -> None:
        """See that all files can be read, before anything rests on it. Raises: OSError."""
        if self._folder.exists():
            next(self._folder.iterdir(), None)  # it may be none
        for path in files(self._folder):
            with path.open("rb"):
                pass

    def put(
        self,
        events: Mapping[int, Event],
        rows: Iterable[Row],
        today: datetime,
        openings: Mapping[str, Opening] | None = None,
    ) -> None:
        """Put events and rows there. Raises: OSError; then some may be there and some not.

        `openings`: of months that begin with these events.
        """
        events_of: defaultdict[str, dict[int, Event]] = defaultdict(dict)
        rows_of: defaultdict[str, list[Row]] = defaultdict(list)
        for number, event in events.items():
            events_of[month_of(event["at"])][number] = event
        for row in rows:
            rows_of[row.day[:7]].append(row)
        edge, newest = (today - HOURS_KEPT).date().isoformat(), 0
        first = min(events_of, default="9999")
        # Their openings may not know what comes new to the months before.
        later = [path.stem for path in files(self._folder) if path.stem > first]
        for name in sorted({*events_of, *rows_of, *later, *self._unfolded(edge[:7])}):
            month = self._read(self._path(name))
            month.open_with((openings or {}).get(name), newest)
            newest = max([newest, *events_of[name]])
            month.add_events(events_of[name])
            month.add_rows(rows_of[name])
            month.fold_before(edge)
            self._folder.mkdir(exist_ok=True)
            replace(self._path(name), [msgspec.json.encode(month)])

    def days(self, since: str) -> set[str]:
        """Return the days from that one on of which there are rows. Raises: OSError."""
        months = (self._read(path) for path in files(self._folder) if path.stem >= since[:7])
        keys = (key for month in months for key in (*_by_key(month.hours), *_by_key(month.days)))
        return {day for day, _ in keys if day >= since}

    def recall(self, day: str) -> list[Row]:
        """Return the rows of a day. Raises: OSError."""
        return self._read(self._path(day[:7])).rows(day)

    def last_id(self, month: str = "") -> int:
        """Return the highest id of an event from a month on; 0 without any. Raises: OSError."""
        found = (self._read(path) for path in files(self._folder) if path.stem >= month)
        return max((number for known in found for number in known.events), default=0)

    def _unfolded(self, edge: str) -> Iterator[str]:
        """Return the months before this one that have hours still; each is looked at once."""
        for path in files(self._folder):
            if path.stem < edge and path.stem not in self._looked_at:
                self._looked_at.add(path.stem)
                if self._read(path).hours:
                    yield path.stem

    def _path(self, month: str) -> Path:
        return self._folder / f"{month}.json"

    def _read(self, path: Path) -> Month:
        """Read a file; a damaged one is kept aside. Raises: OSError."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=Month)
        except FileNotFoundError:
            return Month()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
            path.rename(aside)
            log.error("%s is damaged (%s) and kept as %s; begun anew", path, error, aside.name)
            return Month()


def month_of(at: str) -> str:
    """Return the month of an event; one with a time of its own making is of the first of all."""
    try:
        return datetime.fromisoformat(at).astimezone(UTC).isoformat()[:7]
    except (ValueError, OverflowError):
        return "0001-01"


def _by_key(rows: Mapping[int, Any]) -> dict[tuple[str, str], Any]:
    return {(row.day, row.host): row for row in rows.values()}


def _without(
    rows: Mapping[int, Any], keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Any]:
    known, others = set(keys), _by_key(rows)
    return {key: row for key, row in others.items() if key not in known}
