"""How often a provider's API was asked, since some of them cost money or have a limit a day."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping


class Calls:
    """Requests by method. Threads: any may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, method: str) -> None:
        """Count a request."""
        with self._lock:
            self._counts[method] += 1

    def taken(self) -> Mapping[str, int]:
        """Return how many there were of each method."""
        with self._lock:
            return dict(self._counts)
