"""What the /metrics of both processes have in common.

Labels hold names of registered hosts and words of closed sets, never anything that a visitor chose:
so their number has a bound, and nothing about a visitor leaves here.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily


def new_registry() -> CollectorRegistry:
    """Return a registry that knows of the process itself: memory, time, open files."""
    # When a count began is of use to nobody, and doubles the answer.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def api_calls(calls: Mapping[str, int]) -> CounterMetricFamily:
    """Return the calls to Compute Engine's API, by method, since this process began."""
    metric = CounterMetricFamily(
        "waitroom_gce_calls", "Requests to the Compute Engine API", labels=["method"]
    )
    for method, count in calls.items():
        metric.add_metric([method], count)
    return metric
