"""Series: entries that agree in host name, service, status and agent, so each is judged once.

Pure. An entry counts as activity when the host's own service (not the waiting room) answered it
with 1xx, 2xx, 3xx, as a WebSocket (0), or would have, had the client waited (499); when it came
from no crawler or monitor, and led to no ignored path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar.record.counts import HostCount
from traefik.access_log import Entry
from waitroom.gate.agents import is_machine
from waitroom.registry.hosts import Counting, Registry

WAITING_ROOM = "waitroom@"
CANARY_AGENT = "waitroom-canary/"

_CLIENT_WENT_AWAY = 499
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
# Names and agents are chosen by clients: what is remembered of them has a bound in number and size.
_REMEMBERED = 50_000
_REMEMBERED_CHARACTERS = 512


@dataclass(slots=True)
class Series:
    """Their sums, and what of them is not in the host's count yet.

    The end of every entry matters, but few can be the first or the last: those between `first` and
    `checked` that took no longer than `slack_ns` can't, and nothing is computed for them.
    """

    service: str
    status: int
    agent: str
    count: HostCount | None = None  # None: no registered host
    own: bool = False  # answered by the host's own service
    waiting: bool = False  # answered by the waiting room
    canary: bool = False  # says so by its agent
    active: bool = False  # counts as activity, if its path does
    ignore_paths: tuple[str, ...] = ()
    entries: int = 0
    ignored: int = 0
    bytes_out: int = 0
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

    def flush(self) -> tuple[int, int]:
        """Move the sums to the host's count; return its requests, and those that count as use."""
        requests = used = 0
        if self.count is not None and self.own:
            requests, used = self.entries, self.entries - self.ignored if self.active else 0
            self.count.requests += requests
            self.count.activity += used
            self.count.by_status.add(self.status, requests)
            self.count.bytes_out += self.bytes_out
        elif self.count is not None and self.waiting:
            self.count.waiting += self.entries
        self.entries = self.ignored = self.bytes_out = 0
        return requests, used

    def settle(self, latest: float) -> None:
        """Move to the host's count when these entries ended."""
        if self.count is not None and self.last_end > -math.inf:
            ends = min(self.first_end, latest), min(self.last_end, latest)
            self.count.see(*(datetime.fromtimestamp(end, UTC) for end in ends))


_NONE = Series(service="", status=math.nan, agent="")  # type: ignore[arg-type]  # equals no status


class Catalogue:
    """The series that were met."""

    def __init__(self, registry: Registry, count: Callable[[str], HostCount]) -> None:
        """`count` returns that of a registered host."""
        self.last = _Last()
        self._registry = registry
        self._count = count
        self._known: dict[tuple[str, str, int, str], Series] = {}

    def adopt(self, registry: Registry) -> None:
        """Go by another registry from now on."""
        self._registry = registry
        self.forget()

    def forget(self) -> None:
        """Begin anew; what there is of them is settled all the same."""
        self._known.clear()
        self.last.clear()

    def find(self, entry: Entry) -> Series:
        """Return the series of an entry, looking each combination up once."""
        key = entry.host, entry.service, entry.status, entry.agent
        if (
            len(entry.host) + len(entry.agent) > _REMEMBERED_CHARACTERS
            or entry.agent.startswith(CANARY_AGENT)  # each is the only one with its nonce
        ):
            return self._made(*key)
        series = self._known.get(key)
        if series is None:
            if len(self._known) >= _REMEMBERED:
                self.forget()
            series = self._known[key] = self._made(*key)
        self.last[entry.host] = series
        return series

    def _made(self, name: str, service: str, status: int, agent: str) -> Series:
        canary = agent.startswith(CANARY_AGENT)
        host = None if canary else self._registry.find(name)  # canaries count nowhere
        waiting = service.startswith(WAITING_ROOM)
        own = bool(service) and not waiting  # without a service Traefik itself has answered
        counting = host.activity if host else Counting()
        series = Series(
            service=service,
            status=status,
            agent=agent,
            count=self._count(host.name) if host else None,
            own=own,
            waiting=waiting,
            canary=canary,
            active=host is not None and own and counts(counting, status, agent),
        )
        if series.active:
            series.ignore_paths = counting.ignore_paths
        else:  # when these ended is of no interest
            series.first, series.checked, series.slack_ns = _EARLIEST, _LATEST, 2**62
        return series


class _Last(dict[str, Series]):
    """That of each name's last entry; that of an unknown name is like none."""

    def __missing__(self, name: str) -> Series:
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
