"""For how long each host was awake, and so cost money, since this process began.

The ledger takes a span back that turns out to be unknown; a counter of Prometheus may not shrink.
Pure: fed with events, oldest first, and with the seconds of a clock that nobody sets.
"""

from __future__ import annotations

from collections.abc import Mapping

from waitroom.kinds import Kind
from waitroom.record.ledger import NOTHING_STARTED

_RUNS = frozenset(
    {Kind.WAKE_REQUESTED, Kind.WOKEN, Kind.FOUND_RUNNING, Kind.SLEEP_STARTED, Kind.STOP_FAILED}
)
_ENDED = frozenset({Kind.SLEPT, Kind.FOUND_STOPPED})


class Awake:
    """One clock a host; a host of which no event tells has none."""

    def __init__(self) -> None:
        # The sum up to the last sleep, and since when it is awake, if it is. One value, replaced
        # whole: who asks from another thread must never see a sum that has shrunk.
        self._clocks: dict[str, tuple[float, float | None]] = {}

    def add(self, event: Mapping[str, object], clock_s: float) -> None:
        """Take in an event; what says nothing about it is passed over."""
        host, kind = str(event.get("host")), event.get("kind")
        sum_s, since_s = self._clocks.get(host, (0.0, None))
        if kind in _RUNS:
            self._clocks[host] = (sum_s, clock_s if since_s is None else since_s)
        elif kind in _ENDED or _has_started_nothing(event):
            self._clocks[host] = (_until(clock_s, sum_s, since_s), None)

    def seconds(self, host: str, clock_s: float) -> float | None:
        """Return the sum until now; None: nothing is known of the host. Any thread may ask."""
        clock = self._clocks.get(host)
        return None if clock is None else _until(clock_s, *clock)


def _until(clock_s: float, sum_s: float, since_s: float | None) -> float:
    return sum_s if since_s is None else sum_s + clock_s - since_s


def _has_started_nothing(event: Mapping[str, object]) -> bool:
    return event.get("kind") == Kind.WAKE_FAILED and event.get("reason") in NOTHING_STARTED
