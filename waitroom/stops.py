"""Whether a stop is under way, also one that its provider does not show.

`stop` only begins, and not every provider has a word for what follows: the status of a command may
be "runs" until the app has ended. So what runs behind a young shadow is believed to be on its way
down; handed back, it would end under its visitors. It is believed until it was seen stopped once
(what runs after that was started), or until the longest stop is over.

What that leaves: a stop that takes longer, unseen, ends under visitors after all (the gap leads
them here); and what was refused its stop, or was started by hand before anybody saw it stopped, or
before this process began, stays behind its shadow for that long.
"""

from __future__ import annotations

import time

from traefik.folder import RouteFolder
from waitroom.locks import HostLocks

# systemd kills after 90 s, Kubernetes after 30, Docker after 10.
_LONGEST_S = 120.0


class Stops:
    """What was seen of stops since this process began. Threads: any may call."""

    def __init__(self, folder: RouteFolder, locks: HostLocks) -> None:
        self._folder = folder
        self._locks = locks
        self._ended: dict[str, float] = {}  # since when the host sleeps whose stop has ended

    def under_way(self, name: str) -> bool:
        """Whether a running upstream is, or may be, on its way down."""
        return self._locks.busy(name) or self.unseen(name)

    def unseen(self, name: str) -> bool:
        """Whether a stop that nobody holds the lock for may be under way still."""
        since = self._folder.asleep_since(name)
        if since is None or self._ended.get(name) == since:
            return False
        return 0 <= time.time() - since < _LONGEST_S

    def note_end(self, name: str) -> None:
        """Note that the upstream was seen stopped."""
        since = self._folder.asleep_since(name)
        if since is not None:
            self._ended[name] = since
