"""Sessions of browsers that have logged in: what stands here counts, and not what a cookie says.

So a copy of a cookie is worth nothing after the logout, and no use of it makes a session last
longer than its time. They are in memory: a restart of the waiting room ends them all.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from waitroom.admin.operators import Operator

LIFETIME_S = 12 * 3600.0  # from the login, whatever is done
IDLE_S = 3600.0  # without a request; a dashboard that is looked at asks by itself
_MOST = 1000  # the oldest give way


@dataclass(slots=True)
class _Session:
    operator: Operator  # as he was when he logged in
    began_s: float
    seen_s: float


class Sessions:
    """All of them. Threads: any may call."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._open: dict[str, _Session] = {}  # by the id that the cookie carries; oldest first

    def begin(self, operator: Operator) -> str:
        """Begin one and return its id, which is as secret as a token."""
        made, now_s = secrets.token_urlsafe(24), self._clock_s()
        with self._lock:
            stay = [(known, one) for known, one in self._open.items() if not _over(one, now_s)]
            self._open = {**dict(stay[1 - _MOST :]), made: _Session(operator, now_s, now_s)}
        return made

    def find(self, known: str) -> Operator | None:
        """Return whose session this is, and take it as a use of it; None once it is over."""
        now_s = self._clock_s()
        with self._lock:
            found = self._open.get(known)
            if found is None or _over(found, now_s):
                return None
            found.seen_s = now_s
            return found.operator

    def end(self, known: str) -> None:
        """End one for good."""
        with self._lock:
            self._open.pop(known, None)


def _over(session: _Session, now_s: float) -> bool:
    return now_s - session.began_s >= LIFETIME_S or now_s - session.seen_s >= IDLE_S
