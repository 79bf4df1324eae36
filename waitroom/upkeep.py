"""Upkeep: the route files as hosts.yaml and the providers say, whatever others have done.

A host that is stopped gets its shadow, one that runs is handed back to its route, a shadow covers
the names that its host has now, and nobody's shadow goes. An upstream that is not registered (any
more) is none of our business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from traefik.folder import RouteFolder, Shadow
from waitroom.errors import UpstreamError, WaitroomError
from waitroom.hosts import Host, Registry, Route
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.statuses import Statuses
from waitroom.stops import Stops
from waitroom.upstreams.base import Phase, Status, Upstream
from waitroom.wake import Waker

log = logging.getLogger(__name__)

# One look at every host a minute finds what was started or stopped by hand.
SWEEP_S = 60.0
# How old the provider's word may be.
_FRESH_S = 1.0


class Upkeep:
    """Of all hosts. Threads: any may call."""

    def __init__(
        self,
        *,
        connect: Callable[[Host], Upstream],
        statuses: Statuses,
        waker: Waker,
        folder: RouteFolder,
        journal: Journal,
        locks: HostLocks,
        stops: Stops,
        url: str,
    ) -> None:
        self._connect = connect
        self._statuses = statuses
        self._waker = waker
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._stops = stops
        self._url = url
        # Each shadow that was found to cover its host's names: since when it stands, and the names.
        self._covered: dict[str, tuple[float | None, tuple[str, ...]]] = {}
        self._adopted = threading.Event()  # since the last sweep began

    def adopt(self, registry: Registry) -> None:
        """Publish the routes of all hosts as hosts.yaml says now, and have all of them looked at.

        Logs what can't be written.
        """
        hosts = registry.hosts.values()
        ours = [(host.names, host.url) for host in hosts if host.route is Route.OURS]
        try:
            self._folder.publish(self._url, ours)
            for host in hosts:
                self._statuses.forget(host.name)  # another upstream may be behind this name now
                self._rename(host)
        except OSError as error:
            log.error("the routes can't be written, Traefik keeps the old ones: %s", error)
        self.look_at_all()

    def look_at_all(self) -> None:
        """Have the sweep begin again at once."""
        self._adopted.set()

    def look_at(self, host: Host) -> None:
        """Mend one host now: something has just happened to its upstream."""
        self._statuses.forget(host.name)
        self._try_to_mend(host)

    def sweep(self, registry: Callable[[], Registry], ended: threading.Event) -> None:
        """Mend all hosts now, after each `adopt`, and every minute; blocks, give it a thread.

        Returns before the first look that comes after `ended`.
        """
        while not ended.is_set():
            self._adopted.clear()
            hosts = registry().hosts
            for host in hosts.values():
                if ended.is_set() or self._adopted.is_set():
                    break
                self._try_to_mend(host)
            else:
                # Now, and not when it is adopted: until a host that was renamed has been found
                # asleep under its new name, the shadow of its old one holds.
                self._forget_all_but(hosts)
                self._adopted.wait(SWEEP_S)

    def shadow_stopped(self, host: Host) -> None:
        """Lead a host that was found stopped to the waiting room, if that is still so."""
        with self._locks.hold(host.name) as ours:
            if not ours or self._connect(host).status().phase is not Phase.STOPPED:
                return
            if self._folder.shadow(host.name) is None:
                self._folder.mark_asleep(host.names)
                self._stops.note_end(host.name)
                log.info("%s: found stopped", host.name)
                self._journal.append("found_stopped", host.name)

    def _try_to_mend(self, host: Host) -> None:
        try:
            self._mend(host)
        except UpstreamError as error:
            log.warning("%s: %s", host.name, error)
        except (WaitroomError, OSError) as error:
            log.error("%s: %s", host.name, error)
        except Exception:
            log.exception("%s: a look at it broke; this is a fault of ours", host.name)

    def _mend(self, host: Host) -> None:
        if self._waker.under_way(host.name):
            return
        self._rename(host)
        status = self._statuses.get(host, fresh_s=_FRESH_S)
        shadow = self._folder.shadow(host.name)
        if status.phase is Phase.STOPPED:
            self._stops.note_end(host.name)
            if shadow is None:
                self.shadow_stopped(host)
        astray = shadow is Shadow.ASLEEP or (shadow is None and self._is_elsewhere(host, status))
        if status.phase is Phase.RUNNING and astray and not self._stops.under_way(host.name):
            self._waker.attend(host)

    def _is_elsewhere(self, host: Host, status: Status) -> bool:
        """Whether its address has changed since its route was written, by a restart by hand."""
        if host.route is not Route.OURS or status.url is None:
            return False
        return not self._folder.leads(host.names, status.url)

    def _rename(self, host: Host) -> None:
        """Let the shadow of a sleeping host cover the names that it has now."""
        if self._is_covered(host):
            return
        with self._locks.hold(host.name) as ours:  # a wake would take the shadow away meanwhile
            if ours and self._folder.shadow(host.name) is Shadow.ASLEEP:
                over = not self._stops.unseen(host.name)
                self._folder.mark_asleep(host.names)
                if over:  # and is so still, however young the file
                    self._stops.note_end(host.name)
                self._covered[host.name] = (self._folder.asleep_since(host.name), host.names)

    def _is_covered(self, host: Host) -> bool:
        """Whether it is awake, or its shadow is known to be right; reading 10,000 takes seconds."""
        since = self._folder.asleep_since(host.name)
        return since is None or self._covered.get(host.name) == (since, host.names)

    def _forget_all_but(self, registered: Iterable[str]) -> None:
        """Remove the shadows of other hosts, also one that the sidecar was just about to cast."""
        try:
            self._folder.forget(registered)
        except OSError as error:
            log.error("shadows of hosts that are gone can't be removed: %s", error)
