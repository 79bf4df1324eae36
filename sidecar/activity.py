"""What the entries of the access log add up to: a count a host, and who proved to be a canary.

Pure: no I/O, and the clock is a parameter. Sums and maxima only, so that neither the order of the
lines nor where a block was cut makes a difference.

An entry counts as activity when the host's own service (not the waiting room) answered it with
1xx, 2xx, 3xx, as a WebSocket (0), or would have, had the client waited (499); when it came from no
crawler or monitor, and led to no ignored path nor to one that browsers and crawlers ask for by
themselves. It counts at its END: StartUTC + Duration. Only in the hours of `hours` it counts where
it began: whether a whole block did so in one hour costs little to say, and only a block that did
not is taken apart.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sidecar.hours import Hours
from traefik.access_log import Entry
from waitroom.agents import ERRAND_PATHS, is_machine
from waitroom.hosts import Counting, Registry

_CANARY_PATH = "/.waitroom/canary/"
_CANARY_AGENT = "waitroom-canary/"
_WAITING_ROOM = "waitroom@"
_CLIENT_WENT_AWAY = 499
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)
_HOUR = timedelta(hours=1)
_LAST_OF_HOUR = _HOUR - timedelta.resolution  # there is no moment after the last of all hours
_STATUSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")
# Names and agents are chosen by clients: what is remembered of them has a bound in number and size.
_REMEMBERED = 50_000
_REMEMBERED_CHARACTERS = 512


@dataclass(slots=True)
class HostCount:
    """One host's counts; moments are POSIX seconds, 0 is never."""

    host: str
    requests: int = 0  # answered by its own service
    activity: int = 0  # those of them that count as use
    waiting: int = 0  # answered by the waiting room
    first_activity: float = 0.0
    last_activity: float = 0.0
    by_status: list[int] = field(default_factory=lambda: [0] * len(_STATUSES))
    bytes_out: int = 0

    def see(self, first: float, last: float) -> None:
        """Take in the ends of the first and the last of some activity."""
        self.first_activity = min(first, self.first_activity or first)
        self.last_activity = max(last, self.last_activity)

    def document(self) -> dict[str, Any]:
        """Return it as it stands in activity.json; 10,000 of them are made for one commit."""
        other, informed, done, moved, wrong, broken = self.by_status
        first, last = self.first_activity, self.last_activity
        # JSON gets moments as RFC 3339 with a Z; to write that here would cost ten times as much.
        return {
            "host": self.host,
            "requests": self.requests,
            "activity": self.activity,
            "waiting": self.waiting,
            "first_activity": datetime.fromtimestamp(first, UTC) if first else None,
            "last_activity": datetime.fromtimestamp(last, UTC) if last else None,
            "by_status": {
                "other": other,
                "1xx": informed,
                "2xx": done,
                "3xx": moved,
                "4xx": wrong,
                "5xx": broken,
            },
            "bytes_out": self.bytes_out,
        }

    @classmethod
    def load(cls, document: dict[str, Any]) -> HostCount:
        """Read such a document. Raises: KeyError, TypeError, ValueError on a foreign one."""
        return cls(
            host=str(document["host"]),
            requests=int(document["requests"]),
            activity=int(document["activity"]),
            waiting=int(document["waiting"]),
            first_activity=_posix(document["first_activity"]),
            last_activity=_posix(document["last_activity"]),
            by_status=[int(document["by_status"][name]) for name in _STATUSES],
            bytes_out=int(document["bytes_out"]),
        )


@dataclass(slots=True)
class _Kind:
    """Entries that agree in host name, service, status and agent; what is not settled of them.

    The end of every entry matters, but few can be the first or the last: those between `first` and
    `checked` that took no longer than `slack_ns` can't, and nothing is computed for them.
    """

    service: str
    status: int
    agent: str
    count: HostCount | None = None  # None: no registered host
    own: bool = False  # answered by the host's own service
    waiting: bool = False  # answered by the waiting room
    ignore_paths: tuple[str, ...] = ()
    entries: int = 0
    ignored: int = 0
    bytes_out: int = 0
    active: bool = False  # counts as activity, if its path does
    first_end: float = math.inf  # POSIX seconds
    last_end: float = -math.inf
    first: datetime = _LATEST
    checked: datetime = _EARLIEST
    slack_ns: int = 0

    def look(self, entry: Entry) -> None:
        """Take in the end of an entry."""
        start = entry.start.timestamp()
        end = start + entry.duration_ns * 1e-9
        if end < self.first_end:
            self.first_end = end
            self.first = entry.start + timedelta(microseconds=entry.duration_ns // 1000 + 1)
        self.last_end = max(self.last_end, end)
        # What began no later than this one and took no longer than that ended no later than the
        # last; a microsecond is left to the rounding.
        self.checked, self.slack_ns = entry.start, int((self.last_end - start) * 1e9) - 1000

    def flush(self, hours: Hours, hour: int) -> None:
        """Move the sums to the host's count; all of them are of one hour."""
        count = self.count
        if count is not None and self.own:
            count.requests += self.entries
            known = 100 <= self.status <= 599  # noqa: PLR2004 - HTTP's range
            count.by_status[self.status // 100 if known else 0] += self.entries
            count.bytes_out += self.bytes_out
            used = self.entries - self.ignored if self.active else 0
            count.activity += used
            hours.count(count.host, hour, self.entries, used)
        elif count is not None and self.waiting:
            count.waiting += self.entries
        self.entries = self.ignored = self.bytes_out = 0

    def settle(self, latest: float) -> None:
        """Move to the host's count when these entries ended."""
        if self.count is not None and self.last_end > -math.inf:
            self.count.see(min(self.first_end, latest), min(self.last_end, latest))


_NONE = _Kind(service="", status=math.nan, agent="")  # type: ignore[arg-type]  # equals no status


class Fold:
    """Counts of all hosts: `add` takes entries in, `settle` brings the counts up to date."""

    def __init__(
        self, registry: Registry, counts: Iterable[HostCount] = (), hours: Hours | None = None
    ) -> None:
        self.hours = hours or Hours()
        self.counts = {count.host: count for count in counts}
        self.changed: set[str] = set()  # hosts whose counts have changed; others empty it
        self.unregistered = 0
        self._kinds: dict[tuple[str, str, int, str], _Kind] = {}
        self._last = _Last()
        self._touched: list[_Kind] = []  # those with entries that are not in the counts yet
        self._settling: list[_Kind] = []  # those whose ends are not in the counts yet
        self._hour = 0  # since 1970: the one in which what is touched began
        self._begins = self._ends = _EARLIEST  # that hour's
        self._canaries: list[str] = []  # nonces of those that the waiting room has answered
        self.adopt(registry)

    def adopt(self, registry: Registry) -> None:
        """Go by another registry from now on; what was counted stays."""
        self._registry = registry
        self._forget()

    def add(self, entries: Sequence[Entry]) -> None:
        """Take entries in."""
        if _CANARY_PATH in "\n".join([entry.path for entry in entries]):  # one search for all
            entries = self._without_canaries(entries)
        starts = [entry.start for entry in entries]
        if not starts:
            return
        if self._begins <= min(starts) and max(starts) <= self._ends:
            self._add(entries)
            return
        for hour, those in _by_hour(entries).items():
            self._turn(hour)
            self._add(those)

    def _add(self, entries: Sequence[Entry]) -> None:
        """Take in entries of one hour; a loop over millions, in which each line was measured."""
        last = self._last
        for entry in reversed(entries):  # the newest first: it leaves little to do for the others
            kind = last[entry.host]
            # Mostly it is as the one before; three questions cost half of a key of four.
            if (
                entry.service != kind.service
                or entry.status != kind.status
                or entry.agent != kind.agent
            ):
                kind = self._kind(entry)
            if not kind.entries:
                self._touched.append(kind)
            kind.entries += 1
            kind.bytes_out += entry.size_bytes
            if kind.ignore_paths and entry.path.startswith(kind.ignore_paths):
                kind.ignored += 1
            elif not (
                kind.first <= entry.start <= kind.checked and entry.duration_ns <= kind.slack_ns
            ):
                kind.look(entry)

    def settle(self, now: datetime) -> list[str]:
        """Move to the counts what was added; return the nonces of canaries that were answered."""
        self._flush()
        latest = now.timestamp()
        for kind in self._settling:
            kind.settle(latest)
        self._settling.clear()
        canaries, self._canaries = self._canaries, []
        return canaries

    def _turn(self, hour: int) -> None:
        """Begin to take in entries of another hour."""
        self._flush()
        self._hour = hour
        self._begins = _EPOCH + hour * _HOUR
        self._ends = self._begins + _LAST_OF_HOUR

    def _flush(self) -> None:
        for kind in self._touched:
            if kind.agent.startswith(_CANARY_AGENT):
                self._canaries += [kind.agent[len(_CANARY_AGENT) :]] if kind.waiting else []
                kind.entries = kind.ignored = kind.bytes_out = 0
                continue
            if kind.count is None:
                self.unregistered += kind.entries
            else:
                self.changed.add(kind.count.host)
            kind.flush(self.hours, self._hour)
            self._settling.append(kind)
        self._touched.clear()

    def _without_canaries(self, entries: Sequence[Entry]) -> list[Entry]:
        others = []
        for entry in entries:
            if not entry.path.startswith(_CANARY_PATH):
                others.append(entry)
            elif entry.service.startswith(_WAITING_ROOM):
                self._canaries.append(entry.path[len(_CANARY_PATH) :].partition("?")[0])
        return others

    def _kind(self, entry: Entry) -> _Kind:
        """Return the kind of an entry, looking each combination up once."""
        key = entry.host, entry.service, entry.status, entry.agent
        if len(entry.host) + len(entry.agent) > _REMEMBERED_CHARACTERS:
            return self._made(*key)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _REMEMBERED:
                self._forget()
            kind = self._kinds[key] = self._made(*key)
        self._last[entry.host] = kind
        return kind

    def _forget(self) -> None:
        self._kinds.clear()
        self._last.clear()  # what there is of them is settled all the same

    def _made(self, name: str, service: str, status: int, agent: str) -> _Kind:
        host = self._registry.find(name)
        waiting = service.startswith(_WAITING_ROOM)
        own = bool(service) and not waiting  # without a service Traefik itself has answered
        counting = host.activity if host else Counting()
        active = host is not None and own and counts(counting, status, agent)
        kind = _Kind(
            service=service,
            status=status,
            agent=agent,
            count=self._count(host.name) if host else None,
            own=own,
            waiting=waiting,
            ignore_paths=(*ERRAND_PATHS, *counting.ignore_paths) if active else (),
            active=active,
        )
        if not active:  # when these ended is of no interest
            kind.first, kind.checked, kind.slack_ns = _EARLIEST, _LATEST, 2**62
        return kind

    def _count(self, name: str) -> HostCount:
        return self.counts.setdefault(name, HostCount(name))


class _Last(dict[str, _Kind]):
    """The kind of each name's last entry; that of an unknown name is like none."""

    def __missing__(self, name: str) -> _Kind:
        return _NONE


def counts(counting: Counting, status: int, agent: str) -> bool:
    """Whether an answer of the host's own service with this status counts as use."""
    if counting.count_statuses is None:
        # 0 is a WebSocket; 499 is somebody who came and went before the answer.
        used = status in (0, _CLIENT_WENT_AWAY) or 100 <= status < 400  # noqa: PLR2004 - 1xx to 3xx
    else:
        used = status in counting.count_statuses
    return used and not (
        agent
        and (
            # A machine says soon what it is; whole, its cache would hold what strangers fill in.
            is_machine(agent[:_REMEMBERED_CHARACTERS])
            or any(part in agent for part in counting.ignore_agents)
        )
    )


def _by_hour(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    hours: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        hours[(entry.start - _EPOCH) // _HOUR].append(entry)
    return hours


def _posix(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
