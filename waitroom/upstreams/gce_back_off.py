"""Keeping everybody from asking a provider that does not answer, for a pause that grows."""

from __future__ import annotations

import threading
import time

from waitroom.errors import UpstreamError

_FIRST_S = 0.5
_LAST_S = 30.0  # what Google asks for after a 429


class BackOff:
    """One for a provider. Threads: any may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._pause_s = 0.0
        self._fault: UpstreamError | None = None

    def demand_over(self) -> None:
        """Repeat what was said last while the pause lasts. Raises: UpstreamError."""
        with self._lock:
            if self._fault and time.monotonic() < self._until:
                raise UpstreamError(self._fault.reason, str(self._fault))

    def begin(self, fault: UpstreamError) -> None:
        """Pause; calls that fail side by side count as one."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._pause_s = min(max(self._pause_s * 2, _FIRST_S), _LAST_S)
                self._until = time.monotonic() + self._pause_s
            self._fault = fault

    def end(self) -> None:
        """Note that it answers."""
        with self._lock:
            self._pause_s, self._until = 0.0, 0.0
