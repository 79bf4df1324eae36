"""What the entries of the access log add up to: a count a host, and who proved to be a canary.

Pure: no I/O, and the clock is a parameter. Sums and maxima only, so that neither the order of the
lines nor where a block was cut makes a difference.

What counts as activity is said in `series`; besides, what browsers and crawlers ask for by
themselves does not. It counts at its END: StartUTC + Duration. Only in the hours of `hours` it
counts where it began: whether a whole block did so in one hour costs little to say, and only a
block that did not is taken apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sidecar.record.counts import HostCount
from sidecar.record.hours import Hours
from sidecar.record.paths import CANARY_PATH, odd_ones
from sidecar.record.series import CANARY_AGENT, WAITING_ROOM, Catalogue, Series
from traefik.access_log import Entry, Parsed
from waitroom.registry.hosts import Registry

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)
_HOUR = timedelta(hours=1)
_LAST_OF_HOUR = _HOUR - timedelta.resolution


class Fold:
    """Counts of all hosts: `add` takes entries in, `settle` brings the counts up to date."""

    def __init__(
        self, registry: Registry, counts: Iterable[HostCount] = (), hours: Hours | None = None
    ) -> None:
        self.hours = hours or Hours()
        self.counts = {count.host: count for count in counts}
        self.unregistered = 0
        self._catalogue = Catalogue(registry, self._count)
        self._touched: list[Series] = []  # those with entries that are not in the counts yet
        self._settling: list[Series] = []  # those whose ends are not in the counts yet
        self._hour = 0  # since 1970: the one in which what is touched began
        self._begins = self._ends = _EARLIEST  # that hour's
        self._canaries: list[str] = []  # nonces of those that the waiting room has answered

    def adopt(self, registry: Registry) -> None:
        """Go by another registry from now on; what was counted stays."""
        self._catalogue.adopt(registry)

    def add(self, parsed: Parsed) -> None:
        """Take entries in."""
        if self._begins <= parsed.first and parsed.last <= self._ends:
            self._add(parsed.entries)
            return
        for hour, entries in _by_hour(parsed.entries).items():
            self._turn(hour)
            self._add(entries)

    def settle(self, now: datetime) -> list[str]:
        """Move to the counts what was added; return the nonces of canaries that were answered."""
        self._flush()
        latest = now.timestamp()
        for series in self._settling:
            series.settle(latest)
        self._settling.clear()
        canaries, self._canaries = self._canaries, []
        return canaries

    def turn_back(self, now: datetime) -> None:
        """Take activity that stands in the future to be of now: the clock was set back."""
        self._catalogue.forget()  # their last ends may be in the future, too
        for count in self.counts.values():
            if count.last_activity is not None:
                count.last_activity = min(count.last_activity, now)

    def _add(self, entries: Sequence[Entry]) -> None:
        """Take in entries of one hour."""
        odd = odd_ones(entries)
        if odd:
            for number in odd:
                self._add_odd(entries[number])
            numbers = set(odd)
            entries = [entry for n, entry in enumerate(entries) if n not in numbers]
        self._add_many(entries)

    def _add_odd(self, entry: Entry) -> None:
        """Take in one whose path does not count."""
        if not entry.path.startswith(CANARY_PATH):
            series = self._catalogue.find(entry)
            if not series.entries:
                self._touched.append(series)
            series.entries += 1
            series.ignored += 1
            series.bytes_out += entry.size_bytes
        elif entry.service.startswith(WAITING_ROOM):
            self._canaries.append(entry.path[len(CANARY_PATH) :].partition("?")[0])

    def _add_many(self, entries: Sequence[Entry]) -> None:
        """Take in those that may count; a loop over millions, in which each line was measured."""
        last, find, touched = self._catalogue.last, self._catalogue.find, self._touched
        for entry in reversed(entries):  # the newest first: it leaves little to do for the others
            series = last[entry.host]
            # Mostly it is as the one before; three questions cost half of a key of four.
            if (
                entry.service != series.service
                or entry.status != series.status
                or entry.agent != series.agent
            ):
                series = find(entry)
            if not series.entries:
                touched.append(series)
            series.entries += 1
            series.bytes_out += entry.size_bytes
            if series.ignore_paths and entry.path.startswith(series.ignore_paths):
                series.ignored += 1
            elif (
                entry.duration_ns > series.slack_ns
                or not series.first <= entry.start <= series.checked
            ):
                series.look(entry)

    def _turn(self, hour: int) -> None:
        """Begin to take in entries of another hour."""
        self._flush()
        self._hour = hour
        self._begins = _EPOCH + hour * _HOUR
        self._ends = self._begins + _LAST_OF_HOUR

    def _flush(self) -> None:
        for series in self._touched:
            if series.canary:
                self._canaries += (
                    [series.agent.removeprefix(CANARY_AGENT)] if series.waiting else []
                )
            elif series.count is None:
                self.unregistered += series.entries
            requests, used = series.flush()
            if series.count is not None and series.own:
                self.hours.count(series.count.host, self._hour, requests, used)
            self._settling.append(series)
        self._touched.clear()

    def _count(self, name: str) -> HostCount:
        return self.counts.setdefault(name, HostCount.none(name))


def _by_hour(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    hours: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        hours[(entry.start - _EPOCH) // _HOUR].append(entry)
    return hours
