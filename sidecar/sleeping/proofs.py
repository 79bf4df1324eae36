"""Proofs of reading: canaries whose own line has come out of the tail.

Threads: the loop adds, handshakes wait.
"""

from __future__ import annotations

import threading

_NONCE_CHARACTERS = 16
_REMEMBERED = 1000


class Proofs:
    """The canaries that have been read and not been asked for yet."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._changed = threading.Condition()

    def add(self, nonce: str) -> None:
        """Note that this canary's own line has been read."""
        # Anybody can claim to be a canary, so what is remembered of them has a bound.
        if len(nonce) > _NONCE_CHARACTERS:
            return
        with self._changed:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen.add(nonce)
            self._changed.notify_all()

    def wait(self, nonce: str, timeout_s: float) -> bool:
        """Wait for a canary's line; False if it did not come."""
        with self._changed:
            found = self._changed.wait_for(lambda: nonce in self._seen, timeout_s)
            self._seen.discard(nonce)
            return found
