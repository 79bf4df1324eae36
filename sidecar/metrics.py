"""What /metrics of the sidecar says: use and sleeps of each host, and how the log is read.

Sleeps are a fold of the events, taken in as they are recorded; all else is asked of the recorder
when somebody scrapes. So nothing else in this process knows of metrics. It is served by a small
listener of its own, since this process has no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sidecar import scraped
from sidecar.record.recorder import Recorder
from waitroom import scrape
from waitroom.kinds import Kind
from waitroom.registry.hosts import Registry
from waitroom.signs import DOUBTS

log = logging.getLogger(__name__)

_LINES = {
    "lines": ("waitroom_log_lines", "Lines of the access log that were read"),
    "bad": ("waitroom_log_bad_lines", "Lines of both logs that are no entries"),
    "overlong": ("waitroom_log_overlong_lines", "Lines that were too long and passed over"),
    "unregistered": ("waitroom_log_unregistered_lines", "Lines of hosts that nobody registered"),
}


class Sleeps:
    """Counts of what became of sleeps since this process began."""

    def __init__(self, registry: CollectorRegistry, hosts: Callable[[], Registry]) -> None:
        self._hosts = hosts
        self._slept = Counter(
            "waitroom_sleeps", "Hosts put to sleep, seen stopped", ["host"], registry=registry
        )
        self._called_off = Counter(
            "waitroom_sleeps_called_off",
            "Sleeps called off, each change of the reason once",
            ["host", "reason"],
            registry=registry,
        )
        self._failed = Counter(
            "waitroom_stops_failed",
            "Stops that failed and are tried again",
            ["host", "reason"],
            registry=registry,
        )
        self._doubts = Counter(
            "waitroom_doubts",
            "Moments of which something may be missing: every host counted as used then",
            ["kind"],
            registry=registry,
        )

    def add(self, event: Mapping[str, object]) -> None:
        """Take in an event."""
        kind, name, reason = event["kind"], str(event["host"]), event.get("reason")
        if kind in DOUBTS:
            self._doubts.labels(kind).inc()
        if name not in self._hosts().hosts:
            return
        if kind == Kind.SLEPT:
            self._slept.labels(name).inc()
        elif kind == Kind.SLEEP_CALLED_OFF:
            self._called_off.labels(name, reason).inc()
        elif kind == Kind.STOP_FAILED:
            self._failed.labels(name, reason).inc()


class Recording(Collector):
    """What the recorder knows at the moment of a scrape."""

    def __init__(
        self,
        hosts: Callable[[], Registry],
        recorder: Recorder,
        calls: Callable[[], Mapping[str, int]],
    ) -> None:
        """Read the recorder. `calls`: to Compute Engine, by method."""
        self._hosts = hosts
        self._recorder = recorder
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        yield from self._of_hosts()
        yield from self._of_log()
        yield from self._of_commits()
        yield scrape.api_calls(self._calls())

    def _of_hosts(self) -> Iterator[Metric]:
        requests = _counter("waitroom_requests", "Requests that the host's own service answered")
        activity = _counter("waitroom_activity", "Requests that count as use of the host")
        waiting = _counter("waitroom_waiting", "Requests that the waiting room answered")
        awake = _counter("waitroom_awake_seconds", "For how long a host was awake")
        registered = self._hosts().hosts
        for count in self._recorder.known.counts():
            if count.host in registered:
                requests.add_metric([count.host], count.requests)
                activity.add_metric([count.host], count.activity)
                waiting.add_metric([count.host], count.waiting)
        for name in registered:
            awake_s = self._recorder.known.awake_s(name)
            if awake_s is not None:
                awake.add_metric([name], awake_s)
        yield from (requests, activity, waiting, awake)

    def _of_log(self) -> Iterator[Metric]:
        recorder = self._recorder
        totals = recorder.totals()
        for name, (metric, text) in _LINES.items():
            yield CounterMetricFamily(metric, text, totals[name])
        for metric, text, value in (
            ("waitroom_log_missing_lines", "Lines that never came", totals["lines_missing"]),
            ("waitroom_log_lag_bytes", "What is not read yet", recorder.reading.backlog_bytes()),
            ("waitroom_log_lag_seconds", "Since the end of the logs was reached", recorder.lag_s()),
            ("waitroom_webhook_events_waiting", "Webhooks to be sent", recorder.undelivered()),
            (
                "waitroom_recording",
                "0: the log can't be read, or nothing written",
                recorder.is_well(),
            ),
        ):
            yield GaugeMetricFamily(metric, text, value)

    def _of_commits(self) -> Iterator[Metric]:
        commits = self._recorder.commits
        yield SummaryMetricFamily(
            "waitroom_commit_seconds",
            "What commits of activity.json took",
            count_value=commits.done,
            sum_value=commits.took_s,
        )
        yield CounterMetricFamily(
            "waitroom_commits_failed", "Commits that the disk refused", commits.failed
        )


def serve(registry: CollectorRegistry, listen: str) -> None:
    """Serve them from a thread. Logs an address that is not to be had: the work goes on."""
    try:
        scraped.Listener(registry, listen)
    except OSError as error:
        log.error("WAITROOM_SIDECAR_LISTEN: no /metrics, can't listen at %s: %s", listen, error)


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=["host"])
