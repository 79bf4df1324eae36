"""What the record says of one host over some time, read file by file and remembered.

A file of the archive seldom changes, so what it says of a host is read once. Of a host's month a
few hundred events remain in memory, of a bounded number of months.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from waitroom.record import documents, standing
from waitroom.record.occurrence import ALL_HOSTS, Event
from waitroom.record.opening import Opening
from waitroom.record.rows import Day, Row, fold, unfold
from waitroom.stamps import Stamp, stamp

_REMEMBERED = 64  # a host's months; one that is woken seven times a day takes 200 KB


@dataclass(frozen=True, slots=True)
class _Share:
    """What one file says of one host."""

    opening: Opening | None = None
    events: Mapping[int, Event] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What is recorded of one host from some day on."""

    opening: Opening | None  # how it stood before the first event; None: that is the first of all
    events: tuple[Event, ...]  # in the order in which they were recorded, perhaps from earlier on
    rows: Mapping[str, Row]  # by day


class Chronicle:
    """The record of a data folder. Threads: any.

    Where something can't be read, sums would be wrong; so then it raises WaitroomError.
    """

    def __init__(self, data: Path) -> None:
        self._newest = data / "activity.json"
        self._archive = data / "archive"
        self._share = functools.lru_cache(_REMEMBERED)(_read_share)
        self._asleep = functools.lru_cache(4)(_read_asleep)

    def of(self, host: str, day: str) -> Told:
        """Return what is recorded of a host from that day (2026-01-31) on."""
        # This one first: what leaves it meanwhile is in the archive already.
        newest = _read_share(self._newest, None, host)
        shares = [newest]
        opening = None
        for path in reversed(documents.months(self._archive)):
            share = self._share(path, stamp(path), host)
            shares.insert(0, share)
            opening = share.opening if path.stem <= day[:7] else None
            if opening:
                break
        rows = {row.day: row for share in shares for row in share.rows if row.day >= day}
        events = {n: event for share in reversed(shares) for n, event in share.events.items()}
        after = opening.last_id if opening else 0
        return Told(opening, tuple(events[n] for n in sorted(events) if n > after), rows)

    def asleep_s(self, month: str) -> dict[str, float]:
        """Return how long each host slept in a month (2026-01), up to the last full hour."""
        paths = (self._archive / f"{month}.json", self._newest)
        archived, newest = (self._asleep(path, stamp(path)) for path in paths)
        sums: dict[str, float] = {}
        for (day, host), asleep_s in {**archived, **newest}.items():
            if day.startswith(month):
                sums[host] = sums.get(host, 0.0) + asleep_s
        return sums


class _Rows(Struct):
    hours: dict[int, Row] = {}
    days: dict[int, Day] = {}


def _read_share(path: Path, _: Stamp | None, host: str) -> _Share:
    file = documents.load(path, documents.File)
    openings = (known for known in file.opening.values() if standing.is_one(known.ledger))
    opening = next(openings, None)
    days = documents.of_hosts(file.days, (host,), Day)
    hours = documents.of_hosts(file.hours, (host,), Row)
    # The first event of all, whatever its host, says when the record begins.
    first = {n: file.events[n] for n in sorted(file.events)[:1]}
    return _Share(
        opening=opening and _of(opening, host),
        events={
            **dict(documents.of_hosts(first, None, Event)),
            **dict(documents.of_hosts(file.events, (host, ALL_HOSTS), Event)),
        },
        rows=(*(unfold(day) for _, day in days), *(row for _, row in hours)),
    )


def _of(opening: Opening, host: str) -> Opening:
    accounts = [account for account in opening.ledger["accounts"] if account["host"] == host]
    return msgspec.structs.replace(opening, ledger={**opening.ledger, "accounts": accounts})


def _read_asleep(path: Path, _: Stamp | None) -> dict[tuple[str, str], float]:
    """Return by day and host how long it slept."""
    file = documents.load(path, _Rows)
    rows = [*file.days.values(), *map(fold, file.hours.values())]
    return {(row.day, row.host): row.asleep_s for row in rows}
