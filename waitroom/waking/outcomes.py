"""How wakes ended, as far as somebody still wants to know: ready, failed, how long it took.

In memory; the journal has it all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from waitroom.errors import Reason
from waitroom.waking.history import History

# How long the end of a wake is told to those who still wait for it.
_READY_SHOWN_S = 2.0
_FAILURE_SHOWN_S = 60.0
# What failed a moment ago would fail again, be journalled again, and cost its provider a try.
_AGAIN_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last wake of a host ended, if not with the app."""

    reason: Reason
    again_s: float  # in how many seconds the next wake may begin; 0 for now


class Outcomes:
    """The last outcome for each host. Threads: any may call."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.history = History()
        self._clock_s = clock_s
        self._ready: dict[str, float] = {}  # since when, by the clock
        self._failed: dict[str, tuple[float, Reason]] = {}  # since when, by the clock, and why

    def just_ready(self, name: str) -> bool:
        """Whether the host's app answered a moment ago."""
        since_s = self._ready.get(name)
        return since_s is not None and self._clock_s() - since_s < _READY_SHOWN_S

    def note_ready(self, name: str) -> None:
        """Remember for a moment that the host's own route is, or is about to be, in force."""
        self._failed.pop(name, None)
        self._ready[name] = self._clock_s()

    def failure(self, name: str) -> Failure | None:
        """Return how the last wake failed, while that is news."""
        failed = self._failed.get(name)
        if failed is None:
            return None
        since_s, reason = failed
        ago_s = self._clock_s() - since_s
        if ago_s >= _FAILURE_SHOWN_S:
            return None
        return Failure(reason, max(0.0, _AGAIN_AFTER_S - ago_s))

    def note_failure(self, name: str, reason: Reason) -> None:
        """Remember for a while why a wake has failed."""
        self._failed[name] = (self._clock_s(), reason)

    def forget_failure(self, name: str) -> None:
        """Begin anew."""
        self._failed.pop(name, None)
