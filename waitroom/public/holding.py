"""Clients that rather wait than come again: `Prefer: wait=N` (RFC 7240).

Each holds a thread, so only a few may, and not for long; all others are answered at once.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

_LONGEST_S = 60
_AT_ONCE = 4
_PAUSE_S = 0.2
_WAIT = re.compile(r"(?:^|[,\s])wait\s*=\s*\"?(\d{1,9})\"?\s*(?:[,;]|$)", re.IGNORECASE)


def preferred_wait_s(prefer: str) -> int:
    """Return for how long a Prefer header asks us to wait, at most a minute; 0: not at all."""
    wait = _WAIT.search(prefer)
    return min(_LONGEST_S, int(wait[1])) if wait else 0


class Places:
    """Where clients are held."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def hold(self, wait_s: int, waits: Callable[[], bool]) -> None:
        """Return when there is nothing to wait for any more, no place, or the time is over."""
        if not wait_s or not self._free.acquire(blocking=False):
            return
        try:
            deadline = time.monotonic() + wait_s
            while time.monotonic() < deadline and waits():
                time.sleep(_PAUSE_S)
        finally:
            self._free.release()
