"""The use of every host, put together from all who know of it: records, provider, our own eyes.

A provider says when an upstream was started by a wall clock that may have been set since. So what
was seen to run is remembered by the boot clock, and no start counts as later than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar.record.recorder import Recorder
from waitroom.idle import Use, Wish, latest, standing
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Status


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of an upstream that was seen to have begun."""

    told: datetime | None  # when it began, as its provider says
    seen_s: float  # since when it is known, by the boot clock


class Uses:
    """What is known now. Threads: any may call, each host's own thread notes."""

    def __init__(
        self,
        recorder: Recorder,
        boot_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._recorder = recorder
        self._boot_s = boot_s
        self.watched_since = datetime.now(UTC)
        self._registered: dict[str, datetime] = {}  # since when each host is
        self._stopped: set[str] = set()  # hosts that were last seen not to run
        self._runs: dict[str, _Run] = {}

    def adopt(self, hosts: Iterable[str]) -> None:
        """Go by a reloaded hosts.yaml; who used a host before it was named has left no trace."""
        now = datetime.now(UTC)
        self._registered = {name: self._registered.get(name, now) for name in hosts}

    def of(self, host: Host, status: Status | None = None) -> Use:
        """Return what is known of a host's use; `status`: what its provider says now."""
        now = datetime.now(UTC)
        return Use(
            last_used=self._recorder.known.last_used(host.name),
            last_woken=self._recorder.known.last_woken(host.name),
            started_at=self._started_at(host.name, status, now),
            watched_since=self._registered.get(host.name, self.watched_since),
            kept_until=latest(host.awake_until(now), self._recorder.known.kept_until(host.name)),
            wish=self._recorder.known.wish(host.name),
        )

    def wish(self, name: str) -> Wish | None:
        """Return an operator's wish that a host sleeps, if it is still to be answered."""
        return standing(self._recorder.known.wish(name), datetime.now(UTC))

    def note(self, host: Host, status: Status) -> None:
        """Remember when it was first seen to run, if it was seen not to, or its provider tells."""
        name, told, run = host.name, status.started_at, self._runs.get(host.name)
        if not status.runs:
            self._stopped.add(name)
        elif name in self._stopped or (told and (run is None or run.told != told)):
            self._stopped.discard(name)
            self._runs[name] = _Run(told, self._boot_s())

    def _started_at(self, name: str, status: Status | None, now: datetime) -> datetime | None:
        run = self._runs.get(name)
        if run is None:
            return status.started_at if status else None
        told = status.started_at if status else run.told
        seen = now - timedelta(seconds=self._boot_s() - run.seen_s)
        if told:
            return min(told, seen)
        # Whoever wishes it to sleep has seen it run: the look that he has caused is not its start.
        wish = self.wish(name)
        return min(seen, wish.at) if wish else seen
