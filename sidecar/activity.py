"""What the entries of the access log add up to: a count a host, and who proved to be a canary.

Pure: no I/O, and the clock is a parameter. Sums and maxima only, so that neither the order of the
lines nor where a block was cut makes a difference.

An entry counts as activity when the host's own service (not the waiting room) answered it with
1xx, 2xx, 3xx, as a WebSocket (0), or would have, had the client waited (499); when it came from no
crawler or monitor, and led to no ignored path. It counts at its END: StartUTC + Duration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from traefik.access_log import Entry
from waitroom.agents import is_machine
from waitroom.hosts import Counting, Registry

_CANARY_PATH = "/.waitroom/canary/"
_CANARY_AGENT = "waitroom-canary/"
_WAITING_ROOM = "waitroom@"
_CLIENT_WENT_AWAY = 499
_STATUSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")
# Names, services and agents are chosen by clients: what is remembered of them has a bound.
_REMEMBERED = 50_000


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

    def document(self) -> dict[str, Any]:
        """Return it as it stands in activity.json."""
        return {
            "host": self.host,
            "requests": self.requests,
            "activity": self.activity,
            "waiting": self.waiting,
            "first_activity": rfc3339(self.first_activity) if self.first_activity else None,
            "last_activity": rfc3339(self.last_activity) if self.last_activity else None,
            "by_status": dict(zip(_STATUSES, self.by_status, strict=True)),
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
    """What entries of one host name, service, status and agent have in common."""

    count: HostCount | None  # None: no registered host
    own: bool  # answered by the host's own service
    active: bool  # counts as activity, if its path does
    status: int  # index into by_status
    ignore_paths: tuple[str, ...]
    canary: str  # the nonce, if the agent says that it is one


class Fold:
    """Counts of all hosts, added to by `add`."""

    def __init__(self, registry: Registry, counts: Iterable[HostCount] = ()) -> None:
        self.counts = {count.host: count for count in counts}
        self.changed: set[str] = set()  # hosts whose counts `add` has changed; others empty it
        self.unregistered = 0
        self._kinds = _Kinds(self._kind)
        self.adopt(registry)

    def adopt(self, registry: Registry) -> None:
        """Go by another registry from now on; what was counted stays."""
        self._registry = registry
        self._kinds.clear()

    def add(self, entries: Iterable[Entry], now: datetime) -> list[str]:
        """Add entries; return the nonces of the canaries that the waiting room has answered."""
        latest = now.timestamp()
        kinds, changed, canaries = self._kinds, self.changed, []
        for entry in entries:
            kind = kinds[entry.host, entry.service, entry.status, entry.agent]
            nonce = kind.canary
            if nonce or entry.path.startswith(_CANARY_PATH):
                if not kind.own:
                    canaries.append(nonce or entry.path[len(_CANARY_PATH) :].partition("?")[0])
                continue
            count = kind.count
            if count is None:
                self.unregistered += 1
                continue
            changed.add(count.host)
            if not kind.own:
                count.waiting += 1
                continue
            count.requests += 1
            count.by_status[kind.status] += 1
            count.bytes_out += entry.size_bytes
            if kind.active and not (kind.ignore_paths and entry.path.startswith(kind.ignore_paths)):
                count.activity += 1
                end = entry.start.timestamp() + entry.duration_ns * 1e-9
                end = min(end, latest)
                count.last_activity = max(end, count.last_activity)
                if end < count.first_activity or not count.first_activity:
                    count.first_activity = end
        return canaries

    def _kind(self, name: str, service: str, status: int, agent: str) -> _Kind:
        host = self._registry.find(name)
        own = not service.startswith(_WAITING_ROOM)
        counting = host.activity if host else Counting()
        return _Kind(
            count=self._count(host.name) if host else None,
            own=own,
            active=own and bool(service) and counts(counting, status, agent),
            status=status // 100 if 100 <= status <= 599 else 0,  # noqa: PLR2004 - HTTP's range
            ignore_paths=counting.ignore_paths,
            canary=agent[len(_CANARY_AGENT) :] if agent.startswith(_CANARY_AGENT) else "",
        )

    def _count(self, name: str) -> HostCount:
        return self.counts.setdefault(name, HostCount(name))


class _Kinds(dict[tuple[str, str, int, str], _Kind]):
    """Looks each combination up once."""

    def __init__(self, kind: Callable[[str, str, int, str], _Kind]) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, key: tuple[str, str, int, str]) -> _Kind:
        if len(self) >= _REMEMBERED:
            self.clear()
        kind = self[key] = self._kind(*key)
        return kind


def counts(counting: Counting, status: int, agent: str) -> bool:
    """Whether an answer of the host's own service with this status counts as use."""
    if counting.count_statuses is None:
        # 0 is a WebSocket; 499 is somebody who came and went before the answer.
        used = status in (0, _CLIENT_WENT_AWAY) or 100 <= status < 400  # noqa: PLR2004 - 1xx to 3xx
    else:
        used = status in counting.count_statuses
    return used and not (
        agent and (is_machine(agent) or any(part in agent for part in counting.ignore_agents))
    )


def rfc3339(moment: float) -> str:
    """Write POSIX seconds as RFC 3339 UTC with a Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _posix(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
