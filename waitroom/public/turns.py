"""Waiting for a host's route to turn, so that a visitor can be sent on as if nothing had been.

All who wait for the same share one look-out, and few wait at all: the canaries that look out come
back to this process through Traefik, and need a thread of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from waitroom.waking.canary import Leads

WAITING_AT_ONCE = 8


class Turns:
    """All look-outs of this process. Threads: any may call."""

    def __init__(self, look_out: Callable[[str, Leads], bool]) -> None:
        """`look_out` blocks for a few seconds at most; see canary.comes_to_lead."""
        self._look_out = look_out
        self._places = threading.BoundedSemaphore(WAITING_AT_ONCE)
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, Leads], Future[bool]] = {}

    def comes_to_lead(self, name: str, wanted: Leads) -> bool:
        """Wait until a host's requests lead where they are wanted.

        False: they don't for two seconds, or too many wait already.
        """
        if not self._places.acquire(blocking=False):
            return False
        try:
            return self._join((name, wanted))
        finally:
            self._places.release()

    def _join(self, turn: tuple[str, Leads]) -> bool:
        with self._lock:
            seen = self._under_way.get(turn)
            if seen is None:
                mine: Future[bool] = Future()
                self._under_way[turn] = mine
        if seen is not None:
            return seen.result()
        try:
            mine.set_result(self._look_out(*turn))
        except Exception as error:  # noqa: BLE001 - all who wait get it, whatever it is
            mine.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[turn]
        return mine.result()
