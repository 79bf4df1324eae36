"""What the journal says about wakes: how long they take, and which one was cut off.

Pure: fed with events, oldest first.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from waitroom.kinds import Kind

_REMEMBERED = 20


class History:
    """The wakes of all hosts."""

    def __init__(self) -> None:
        self._took_s: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=_REMEMBERED)
        )
        self._unfinished: dict[str, datetime] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the journal."""
        host = event["host"]
        match event["kind"]:
            case Kind.WAKE_REQUESTED:
                self._unfinished[host] = datetime.fromisoformat(event["at"])
            case Kind.WOKEN:
                self._unfinished.pop(host, None)
                self.add_wake(host, event.get("took_s"))
            case Kind.WAKE_FAILED | Kind.FOUND_RUNNING:
                self._unfinished.pop(host, None)

    def add_wake(self, host: str, took_s: object) -> None:
        """Take in how long a wake took."""
        if isinstance(took_s, (int, float)):
            self._took_s[host].append(float(took_s))

    def expected_s(self, host: str) -> float | None:
        """Return the median of the last wakes, or None without any."""
        took_s = self._took_s.get(host)
        return statistics.median(took_s) if took_s else None

    def late_s(self, host: str) -> float | None:
        """Return what nine of ten of the last wakes did not exceed, or None without any."""
        took_s = sorted(self._took_s.get(host, ()))
        return took_s[math.ceil(0.9 * len(took_s)) - 1] if took_s else None

    def unfinished(self) -> dict[str, datetime]:
        """Return the hosts whose last wake has no end in the journal, and when it was asked for."""
        return dict(self._unfinished)
