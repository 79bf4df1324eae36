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
from waitroom.hosts import Registry
from waitroom.view import State

# From a container that was paused to a VM that waits for a free machine.
_TOOK_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_STATES = (State.ASLEEP, State.WAKING, State.READY, State.DRAINING)


class Wakes:
    """Counts of wakes since this process began. Threads: any may add."""

    def __init__(self, registry: CollectorRegistry, hosts: Callable[[], Registry]) -> None:
        self._hosts = hosts
        self._requested = Counter(
            "waitroom_wakes_requested",
            "Wakes that were let in",
            ["host", "gate"],
            registry=registry,
        )
        self._ended = Counter(
            "waitroom_wakes",
            "Wakes that ended, with the app or without",
            ["host", "gate", "outcome"],
            registry=registry,
        )
        self._failed = Counter(
            "waitroom_wakes_failed",
            "Wakes that ended without the app, by why",
            ["host", "reason"],
            registry=registry,
        )
        self._refused = Counter(
            "waitroom_refused",
            "Wakes that were refused, as far as the journal says so (once an hour and host)",
            ["host", "reason"],
            registry=registry,
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
            case "wake_requested":
                self._requested.labels(host.name, host.gate).inc()
            case "woken":
                self._ended.labels(host.name, host.gate, "ready").inc()
                self._took.labels(host.name).observe(event["took_s"])
            case "wake_failed":
                self._ended.labels(host.name, host.gate, "failed").inc()
                self._failed.labels(host.name, event["reason"]).inc()
            case "wake_refused":
                self._refused.labels(host.name, event["reason"]).inc()


class Standing(Collector):
    """How things stand at the moment of a scrape; asks no provider."""

    def __init__(
        self,
        hosts: Callable[[], Registry],
        state: Callable[[str], State],
        calls: Callable[[], Mapping[str, int]],
    ) -> None:
        """`state`: that of the host of this name; `calls`: to Compute Engine, by method."""
        self._hosts = hosts
        self._state = state
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        states = GaugeMetricFamily(
            "waitroom_host_state", "1 for the state that a host is in", labels=["host", "state"]
        )
        for name in self._hosts().hosts:
            current = self._state(name)
            for state in _STATES:
                states.add_metric([name, state], current is state)
        yield states
        yield scrape.api_calls(self._calls())
