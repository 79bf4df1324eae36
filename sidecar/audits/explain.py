"""Whether a host would be put to sleep now, and why not: `python -m sidecar explain HOST`.

Reads what anybody may read, beside a sidecar that runs or without one, asks the same questions as
the handshake, and changes nothing. What only an attempt can prove (that the shadow comes into
force, that the canary's line comes out of the log) is told by how the last attempt went.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sidecar.sleeping import questions
from traefik.folder import RouteFolder, Shadow
from waitroom.errors import UpstreamError, WaitroomError, did_you_mean
from waitroom.heartbeat import Heartbeat
from waitroom.idle import Use, time_left
from waitroom.locks import HostLocks
from waitroom.record.records import Records, read
from waitroom.registry.hosts import Host, Registry
from waitroom.registry.settings import Settings
from waitroom.upstreams.base import Phase, Status, Upstream

# More than this is a backlog; less may have come since the last commit.
_BEHIND_BYTES = 1 << 20
_SHADOWS = {
    None: "none, its requests go to its own route",
    Shadow.DRAINING: "draining, it is being put to sleep right now",
    Shadow.ASLEEP: "asleep, its requests go to the waiting room",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One step on the way to sleep."""

    name: str
    holds: bool
    found: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer as data."""

    host: str
    would_sleep: bool
    verdict: str
    conditions: list[Condition]
    last_attempt: Mapping[str, Any] | None  # an event, as it stands in activity.json


def explain(
    settings: Settings,
    registry: Registry,
    connect: Callable[[Host], Upstream],
    name: str,
    now: datetime,
) -> Explanation:
    """Look at everything that a sleep of this host depends on.

    Raises: WaitroomError for an unknown host, and when nothing is recorded yet.
    """
    host = registry.find(name)
    if host is None:
        hint = did_you_mean(name, registry.hosts)
        raise WaitroomError(f"{settings.hosts} names no host {name!r}{hint} (WAITROOM_HOSTS)")
    records, heartbeat = read(settings.data, now), Heartbeat(settings.data)
    status, running = _running(host, connect)
    use = dataclasses.replace(
        records.use(host, heartbeat.since() or now, now),
        started_at=status.started_at if status else None,
    )
    conditions = [
        _beating(heartbeat, now),
        _read(settings.access_log, records),
        running,
        unused(host, use, now),
        _condition("not kept", questions.is_not_kept(use, now)),
        _not_waking(settings.data, host),
        Condition(
            "shadow", holds=True, found=_SHADOWS[RouteFolder(settings.routes).shadow(host.name)]
        ),
        _condition("connections", questions.is_left(host, status, use, now)),
    ]
    return Explanation(
        host=host.name,
        would_sleep=all(condition.holds for condition in conditions),
        verdict=_verdict(conditions, status),
        conditions=conditions,
        last_attempt=records.last_attempt(host.name),
    )


def as_text(explanation: Explanation) -> str:
    """Return it as people read it."""
    steps = [
        f"  {'yes' if step.holds else 'NO ':3}  {step.name:11}  {step.found}"
        for step in explanation.conditions
    ]
    event = explanation.last_attempt
    last = f"The last attempt: {event['kind']} at {event['at']}" if event else "No attempt so far"
    detail = f": {event['detail']}" if event and "detail" in event else ""
    return "\n".join([f"{explanation.host}: {explanation.verdict}", *steps, f"{last}{detail}."])


def _verdict(conditions: list[Condition], status: Status | None) -> str:
    if status and status.phase is Phase.STOPPED:
        return "does not run"
    faults = [condition.found for condition in conditions if not condition.holds]
    return f"would not be put to sleep now: {faults[0]}" if faults else "would be put to sleep now"


def _condition(name: str, answer: questions.Answer) -> Condition:
    return Condition(name, answer.holds, answer.text)


def _beating(heartbeat: Heartbeat, now: datetime) -> Condition:
    last = heartbeat.last()
    if last is None:
        return Condition("sidecar", holds=False, found="no sidecar has run here")
    found = f"it gave a sign of life {(now - last).total_seconds():.0f} s ago"
    return Condition("sidecar", heartbeat.is_fresh(now), found)


def _read(path: Path, records: Records) -> Condition:
    """Whether the log is there and read to its end."""
    try:
        stat = path.stat()
    except OSError as error:
        return Condition("log", holds=False, found=f"{path}: {error.strerror}")
    offset = records.offset(stat.st_dev, stat.st_ino)
    if offset is None:
        return Condition("log", not stat.st_size, f"{path} has not been read")
    found = f"{path} is read up to {offset} of {stat.st_size} bytes"
    return Condition("log", stat.st_size - offset < _BEHIND_BYTES, found)


def _running(host: Host, connect: Callable[[Host], Upstream]) -> tuple[Status | None, Condition]:
    try:
        status = connect(host).status()
    except UpstreamError as error:
        return None, Condition("running", holds=False, found=str(error))
    return status, _condition("running", questions.is_running(status))


def unused(host: Host, use: Use, now: datetime) -> Condition:
    """Whether nobody has used it for long enough."""
    answer = questions.is_unused(host, use, now)
    signs = {"used": use.last_used, "woken": use.last_woken, "started": use.started_at}
    known = [f"last {name} {questions.moment(at)}" for name, at in signs.items() if at]
    earliest = questions.moment(now + time_left(use, host.idle_after, now))
    found = ", ".join(
        [answer.text, *(known or ["never used so far"]), f"may sleep from {earliest}"]
    )
    return Condition("unused", answer.holds, found)


def _not_waking(data: Path, host: Host) -> Condition:
    try:
        busy = HostLocks(data).busy(host.name)
    except OSError as error:
        return Condition("not waking", holds=False, found=f"its lock: {error.strerror}")
    found = "it is being started or stopped right now" if busy else "nobody starts or stops it"
    return Condition("not waking", not busy, found)
