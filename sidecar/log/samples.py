"""Bad lines, said at most once a minute: a log full of them must not fill ours too."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_PAUSE_S = 60.0
_SHOWN_BYTES = 80


class Samples:
    """Counts bad lines until it is time to show one of them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next = monotonic()
        self._count = 0

    def add(self, path: str, line: bytes, count: int = 1) -> None:
        """Take in bad lines, one of which is shown."""
        self._count += count
        if self._monotonic() >= self._next:
            shape = _shape(line[:_SHOWN_BYTES])
            log.warning(
                "%s: %d lines are not log entries, for example %r", path, self._count, shape
            )
            self._next = self._monotonic() + _PAUSE_S
            self._count = 0


def _shape(line: bytes) -> str:
    """Show what a line looks like, and nothing of what it says: it may name a visitor."""
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "x", line.decode("utf-8", "replace")))
