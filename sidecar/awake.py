"""For how long each host was awake, and so cost money, since this process began.

Pure: fed with events, oldest first, and with the seconds of a clock that nobody sets.
"""

from __future__ import annotations

from collections.abc import Mapping

from waitroom.errors import Reason

_RUNS = frozenset({"wake_requested", "woken", "found_running", "sleep_started", "stop_failed"})
_ENDED = frozenset({"slept", "found_stopped"})
# A wake that fails so has started nothing; otherwise the upstream runs until it is put to sleep.
_NOTHING_STARTED = frozenset(
    {Reason.MISSING, Reason.PERMISSION, Reason.CREDENTIALS, Reason.CAPACITY, Reason.QUOTA}
)


class Awake:
    """One clock a host; a host of which no event tells has none."""

    def __init__(self) -> None:
        self._sums_s: dict[str, float] = {}  # up to the last sleep
        self._since_s: dict[str, float] = {}  # of those that are awake

    def add(self, event: Mapping[str, object], clock_s: float) -> None:
        """Take in an event; what says nothing about it is passed over."""
        host, kind = str(event.get("host")), event.get("kind")
        if kind in _RUNS:
            self._since_s.setdefault(host, clock_s)
            self._sums_s.setdefault(host, 0.0)
        elif kind in _ENDED or _has_started_nothing(event):
            began_s = self._since_s.pop(host, clock_s)
            self._sums_s[host] = self._sums_s.get(host, 0.0) + clock_s - began_s

    def seconds(self, host: str, clock_s: float) -> float | None:
        """Return the sum until now; None: nothing is known of the host. Any thread may ask."""
        sum_s = self._sums_s.get(host)
        if sum_s is None:
            return None
        return sum_s + clock_s - self._since_s.get(host, clock_s)


def _has_started_nothing(event: Mapping[str, object]) -> bool:
    return event.get("kind") == "wake_failed" and event.get("reason") in _NOTHING_STARTED
