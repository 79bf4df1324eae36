"""What /metrics of the waiting room says: wakes as the journal tells them, and how hosts stand now.

Wakes are a fold of the journal's events, taken in as they are written; all else is asked when
somebody scrapes. So nothing else in this process knows of metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from waitroom import scrape
from waitroom.errors import WaitroomError
from waitroom.kinds import Kind
from waitroom.registry.hosts import Registry
from waitroom.room import Room
from waitroom.view import State

# From a container that was paused to a VM that waits for a free machine.
_TOOK_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_STATES = (State.ASLEEP, State.WAKING, State.READY, State.DRAINING)


class Wakes:
    """Counts of wakes since this process began. Threads: any may add."""

    def __init__(self, registry: CollectorRegistry, hosts: Callable[[], Registry]) -> None:
        self._hosts = hosts

        def counter(name: str, counts: str, *labels: str) -> Counter:
            return Counter(f"waitroom_{name}", counts, labels, registry=registry)

        self._requested = counter("wakes_requested", "Wakes that were let in", "host", "gate")
        self._ended = counter(
            "wakes", "Wakes that ended, with the app or without", "host", "gate", "outcome"
        )
        self._failed = counter(
            "wakes_failed", "Wakes that ended without the app, by why", "host", "reason"
        )
        self._refused = counter(
            "refused",
            "Wakes that were refused, as far as the journal says so (once an hour and host)",
            "host",
            "reason",
        )
        self._took = Histogram(
            "waitroom_wake_seconds",
            "From the request of a wake to the app's first answer",
            ["host"],
            buckets=_TOOK_S,
            registry=registry,
        )

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in an event of the journal."""
        host = self._hosts().hosts.get(event["host"])
        if host is None:
            return
        match event["kind"]:
            case Kind.WAKE_REQUESTED:
                self._requested.labels(host.name, host.gate).inc()
            case Kind.WOKEN:
                self._ended.labels(host.name, host.gate, "ready").inc()
                self._took.labels(host.name).observe(event["took_s"])
            case Kind.WAKE_FAILED:
                self._ended.labels(host.name, host.gate, "failed").inc()
                self._failed.labels(host.name, event["reason"]).inc()
            case Kind.WAKE_REFUSED:
                self._refused.labels(host.name, event["reason"]).inc()


class Gauges(Collector):
    """How things stand at the moment of a scrape; asks no provider."""

    def __init__(
        self,
        hosts: Callable[[], Registry],
        room: Room,
        calls: Callable[[], Mapping[str, int]],
    ) -> None:
        """Ask the room. `calls`: to Compute Engine, by method."""
        self._hosts = hosts
        self._room = room
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        yield self._states()
        yield from self._budgets()
        yield scrape.api_calls(self._calls())

    def _states(self) -> Metric:
        states = GaugeMetricFamily(
            "waitroom_host_state", "1 for the state that a host is in", labels=["host", "state"]
        )
        for name in self._hosts().hosts:
            current = self._room.glance(name)
            for state in _STATES:
                states.add_metric([name, state], current is state)
        return states

    def _budgets(self) -> Iterator[Metric]:
        """Yield what is left of each host's budget; nothing while the journal can't be read."""
        wakes = GaugeMetricFamily(
            "waitroom_budget_wakes_left",
            "Wakes that are left of the last 24 hours' budget of the host, or of all",
            labels=["host"],
        )
        awake = GaugeMetricFamily(
            "waitroom_budget_awake_left_seconds",
            "Time awake that is left of the last 24 hours' budget, where there is one",
            labels=["host"],
        )
        for host in self._hosts().hosts.values():
            try:
                left = self._room.left(host)
            except WaitroomError:
                continue
            wakes.add_metric([host.name], left.wakes)
            if left.awake is not None:
                awake.add_metric([host.name], left.awake.total_seconds())
        yield from (wakes, awake)
