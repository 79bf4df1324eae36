"""Whether a stop is under way, also one that its provider does not show.

`stop` only begins, and not every provider has a word for what follows: the status of a command may
be "runs" until the app has ended. So what runs behind a young shadow is believed to be on its way
down; handed back, it would end under its visitors. It is believed until it was seen stopped once
(what runs after that was started), or until the longest stop is over.

That it was seen stopped is told by the age of its shadow, which a restart of this process keeps:
a wake that was cut off is taken up again and must not wait for a stop that has long ended.

What that leaves: a stop that takes longer, unseen, ends under visitors after all (the gap leads
them here); and what was refused its stop, or was started by hand before anybody saw it stopped,
stays behind its shadow for that long.
"""

from __future__ import annotations

import contextlib
import time

from traefik.folder import RouteFolder
from waitroom.locks import HostLocks

# systemd kills after 90 s, Kubernetes after 30, Docker after 10.
_LONGEST_S = 120.0


class Stops:
    """What was seen of stops. Threads: any may call."""

    def __init__(self, folder: RouteFolder, locks: HostLocks) -> None:
        self._folder = folder
        self._locks = locks

    def under_way(self, name: str) -> bool:
        """Whether a running upstream is, or may be, on its way down."""
        return self._locks.busy(name) or self.unseen(name)

    def unseen(self, name: str) -> bool:
        """Whether a stop that nobody holds the lock for may be under way still."""
        since = self._folder.asleep_since(name)
        return since is not None and 0 <= time.time() - since < _LONGEST_S

    def note_end(self, name: str) -> None:
        """Note that the upstream was seen stopped."""
        if self.unseen(name):
            # Where the folder can't be written, the end is noted by the next who sees it.
            with contextlib.suppress(OSError):
                self._folder.age(name, _LONGEST_S)
