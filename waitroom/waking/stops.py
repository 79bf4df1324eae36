"""Whether a stop is under way, also one that its provider does not show.

`stop` only begins, and not every provider has a word for what follows: the status of a command may
be "runs" until the app has ended. So what runs although its stop has begun is believed to be on
its way down; handed back, it would end under its visitors. That is believed until it was seen
stopped once (what runs after that was started), or until the longest stop is over.

So the sidecar makes a file, DATA/stops/HOST, right before it has an upstream stopped, and whoever
sees it stopped removes that. Both hold over a restart: a sidecar that was killed before it came to
that leaves nothing to wait for, and one that was killed after it has its stop ordered again by the
next, as nobody knows whether it came to the order.

What that leaves: a stop that takes longer, unseen, ends under visitors after all (the gap leads
them here); and what was refused its stop stays behind its shadow for that long. So does what was
started by hand before anybody saw it stopped, where the provider does not say when that was.
"""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from pathlib import Path

from traefik.folder import RouteFolder, Shadow
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Status
from waitroom.upstreams.fronts import is_down

# systemd kills after 90 s, Kubernetes after 30, Docker after 10.
_LONGEST_S = 120.0


class Stops:
    """What was begun, and seen, of stops. Threads: any may call, of both processes."""

    def __init__(self, data: Path, folder: RouteFolder, locks: HostLocks) -> None:
        self._begun = data / "stops"
        self._folder = folder
        self._locks = locks

    def under_way(self, name: str) -> bool:
        """Whether a running upstream is, or may be, on its way down."""
        return self._locks.busy(name) or self.unseen(name)

    def unseen(self, name: str) -> bool:
        """Whether a stop that nobody holds the lock for may be under way still."""
        return self._unseen_since(name) is not None

    def is_cut_short(self, name: str, began: datetime) -> bool:
        """Whether such a stop is from before `began`: who ordered it, or was about to, is gone."""
        since = self._unseen_since(name)
        return since is not None and since < began.timestamp()

    def _unseen_since(self, name: str) -> float | None:
        try:
            since = (self._begun / name).stat().st_mtime
        except FileNotFoundError:
            return None
        asleep = self._folder.shadow(name) is Shadow.ASLEEP
        return since if asleep and 0 <= time.time() - since < _LONGEST_S else None

    def note_begin(self, name: str) -> None:
        """Note that the upstream is about to be stopped. Raises: OSError."""
        self._begun.mkdir(exist_ok=True)
        (self._begun / name).touch()

    def note_seen(self, host: Host, status: Status) -> None:
        """Note what a provider says: a stop has ended when none of the host's apps runs.

        What they need may run, of a group: it was not stopped yet, or somebody has started it.
        """
        if is_down(host, status):
            self.note_end(host.name)

    def note_end(self, name: str) -> None:
        """Note that the upstream was seen stopped."""
        # Where the folder can't be written, the end is noted by the next who sees it.
        with contextlib.suppress(OSError):
            (self._begun / name).unlink(missing_ok=True)
