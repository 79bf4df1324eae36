"""Notices when the wall clock steps.

The log's times and ours are of the wall clock, and idle time is their difference: after a step it
would be wrong by the step. The boot clock goes on through steps and suspends alike, so the
distance of the two only changes by a step. Whoever sees one counts every host as active then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

# Less is the work of a clock that is being kept right, or of a pause between our two questions.
_STEP_S = 1.0
# A clock is slewed by at most 500 ppm; this much may add up while we are not looking.
_SLEW = 0.0005


class Clock:
    """The distance of wall clock and boot clock, as it was when it was last looked at."""

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        boot_id: str | None = None,
        known: Mapping[str, object] | None = None,
    ) -> None:
        """`known`: what `document` said in an earlier process."""
        self._wall, self._boot = wall, boot
        self._boot_id = boot_id or _boot_id()
        self._seen = boot()
        self._distance = wall() - self._seen
        self.rebooted = not known or known.get("boot_id") != self._boot_id  # since it was known
        if known and not self.rebooted:
            self._seen = float(str(known["boot_s"]))
            self._distance = float(str(known["distance_s"]))

    def step_s(self) -> float:
        """Return by how much the wall clock was set since the last look; 0.0 if it was not."""
        now = self._boot()
        distance = self._wall() - now
        step, allowed = distance - self._distance, _STEP_S + (now - self._seen) * _SLEW
        self._seen, self._distance = now, distance
        return step if abs(step) > allowed else 0.0

    def document(self) -> dict[str, object]:
        """Return what a later process has to know."""
        return {"boot_id": self._boot_id, "boot_s": self._seen, "distance_s": self._distance}


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
