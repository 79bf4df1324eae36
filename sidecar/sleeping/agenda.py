"""The agenda: which hosts are to be looked at now, which later, and how long after a failure.

Asking a provider costs, so a host is asked about when its recorded use is old enough, and not
again before there is a reason to. Threads: the loop asks, calls up and takes, each host's thread
gives back.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# When to look again at a host that does not run, or whose provider does not answer.
_LOOK_AGAIN_S = 60.0
# A host that was seen asleep is looked at again when its shadow goes: whoever wakes it, or finds it
# running, takes that away. Looked at all the same now and then, for one that was started by hand
# and never answers: it would run, and cost money, unseen.
_ASLEEP_LOOK_AGAIN_S = 600.0
# Pauses after a sleep was called off or a stop failed; they double up to the last.
_FIRST_RETRY_S = 2.0
_LAST_RETRY_S = 60.0


class Agenda:
    """Moments are monotonic; a host that nothing is known of is due."""

    def __init__(
        self,
        is_shadowed: Callable[[str], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.taken: set[str] = set()  # hosts that a thread is busy with
        self._is_shadowed = is_shadowed
        self._monotonic = monotonic
        self._due: dict[str, float] = {}  # not to be looked at before
        self._asleep_until: dict[str, float] = {}  # seen asleep, believed so until then
        self._called_up: set[str] = set()  # to be looked at whatever a thread has planned or seen
        self._retry_s: dict[str, float] = {}

    def is_due(self, name: str) -> bool:
        """Whether a host is to be looked at now."""
        if name in self.taken:
            return False
        if name in self._called_up:
            self._called_up.discard(name)
            self._due.pop(name, None)
            self._asleep_until.pop(name, None)
        asleep_until = self._asleep_until.get(name)
        if asleep_until is None:
            return self._due.get(name, 0.0) <= self._monotonic()
        if asleep_until > self._monotonic() and self._is_shadowed(name):
            return False
        del self._asleep_until[name]
        return True

    def put_off(self, name: str, seconds: float) -> None:
        """Look at it again after so long, but within a minute: somebody may start it by hand."""
        self._due[name] = self._monotonic() + min(seconds, _LOOK_AGAIN_S)

    def call_up(self, name: str) -> None:
        """Look at it now, whatever was planned; if it is taken, as soon as it is given back."""
        self._called_up.add(name)

    def believe_asleep(self, name: str) -> None:
        """Look at it again when its shadow has gone."""
        self._asleep_until[name] = self._monotonic() + _ASLEEP_LOOK_AGAIN_S

    def retry(self, name: str, longest_s: float) -> None:
        """Look at it again after a pause that doubles with each failure."""
        pause_s = self._retry_s.get(name, _FIRST_RETRY_S)
        self._retry_s[name] = min(pause_s * 2, _LAST_RETRY_S, longest_s)
        self.put_off(name, pause_s)

    def succeed(self, name: str) -> None:
        """Begin with short pauses again."""
        self._retry_s.pop(name, None)

    def look_at_all(self) -> None:
        """Put nothing off any more: other rules hold now."""
        self._due.clear()
