"""Upkeep: the route files as hosts.yaml and the providers say, whatever others have done.

A host that is stopped gets its shadow, one that runs is handed back to its route, a shadow covers
the names that its host has now, and nobody's shadow goes. An upstream that is not registered (any
more) is none of our business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from traefik.folder import RouteFolder, Shadow
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.found_stopped import FoundStopped
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Host, Registry
from waitroom.registry.values import Route
from waitroom.upstreams.base import Phase, Status
from waitroom.upstreams.fronts import is_down
from waitroom.waking.statuses import Statuses
from waitroom.waking.stops import Stops
from waitroom.waking.wake import Waker

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
        found_stopped: FoundStopped,
        statuses: Statuses,
        waker: Waker,
        folder: RouteFolder,
        locks: HostLocks,
        stops: Stops,
        url: str,
    ) -> None:
        self._found_stopped = found_stopped
        self._statuses = statuses
        self._waker = waker
        self._folder = folder
        self._locks = locks
        self._stops = stops
        self._url = url
        # Each shadow that was found to cover its host: since when it stands, and the host.
        self._covered: dict[str, tuple[float | None, Host]] = {}
        self._adopted = threading.Event()  # or heard of, since the last sweep began
        self._published: Registry | None = None  # whose routes were written last
        self._publishing = threading.Lock()  # two would write the same files

    def adopt(self, registry: Registry) -> None:
        """Publish the routes of all hosts as hosts.yaml says now, and have all of them looked at.

        Logs what can't be written; the next sweep tries it again.
        """
        for name in registry.hosts:
            self._statuses.forget(name)  # another upstream may be behind this name now
        with self._publishing:
            self._publish(registry)
        self._adopted.set()

    def hear(self, said: Mapping[str, Status]) -> None:
        """Go by what is said of these hosts, and have all of them looked at."""
        for name, status in said.items():
            self._statuses.tell(name, status)
        self._adopted.set()

    def look_at(self, host: Host) -> None:
        """Mend one host now: something has just happened to its upstream."""
        self._statuses.forget(host.name)
        self._try_to_mend(host, quiet=Reason.MISSING)  # whoever removes a group removes its host

    def sweep(self, registry: Callable[[], Registry], ended: threading.Event) -> None:
        """Mend all hosts now, after each `adopt` and `hear`, and every minute; give it a thread.

        Returns before the first look that comes after `ended`.
        """
        while not ended.is_set():
            self._adopted.clear()
            with self._publishing:  # it may be adopted at this moment
                current = registry()
                if self._published is not current:
                    self._publish(current)
            for host in current.hosts.values():
                # What is only heard meanwhile waits: it comes once a minute, and where a sweep
                # takes longer the last of the hosts would never be looked at.
                if ended.is_set() or registry() is not current:
                    break
                self._try_to_mend(host)
            else:
                # Now, and not when it is adopted: until a host that was renamed has been found
                # asleep under its new name, the shadow of its old one holds.
                self._forget_all_but(current.hosts)
                self._adopted.wait(SWEEP_S)

    def _publish(self, registry: Registry) -> None:
        hosts = registry.hosts.values()
        ours = [host.fronts for host in hosts if host.route is Route.OURS]
        routes = [(front.names, front.url) for fronts in ours for front in fronts]
        try:
            self._folder.publish(self._url, routes)
            for host in hosts:
                self._rename(host)
        except OSError as error:
            log.error(
                "the routes can't be written, Traefik keeps the old ones; tried again within"
                " %d s: %s", SWEEP_S, error,
            )  # fmt: skip
        else:
            self._published = registry

    def _try_to_mend(self, host: Host, quiet: Reason | None = None) -> None:
        try:
            self._mend(host)
        except UpstreamError as error:
            if error.reason is not quiet:
                log.warning("%s: %s", host.name, error)
        except (WaitroomError, OSError) as error:
            log.error("%s: %s", host.name, error)
        except Exception:
            log.exception("%s: a look at it broke; this is a fault of ours", host.name)

    def _mend(self, host: Host) -> None:
        if self._waker.under_way(host.name):
            return
        self._rename(host)
        status = self._statuses.last(host, fresh_s=_FRESH_S)
        shadow = self._folder.shadow(host.name)
        self._stops.note_seen(host, status)
        if is_down(host, status) and shadow is None:
            self._found_stopped.shadow(host)
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
                self._folder.mark_asleep(host.names, host.traefik.entry_points)
                self._covered[host.name] = (self._folder.asleep_since(host.name), host)

    def _is_covered(self, host: Host) -> bool:
        """Whether it is awake, or its shadow is known to be right; reading 10,000 takes seconds."""
        since = self._folder.asleep_since(host.name)
        return since is None or self._covered.get(host.name) == (since, host)

    def _forget_all_but(self, registered: Iterable[str]) -> None:
        """Remove the shadows of other hosts, also one that the sidecar was just about to cast."""
        try:
            self._folder.forget(registered)
        except OSError as error:
            log.error("shadows of hosts that are gone can't be removed: %s", error)
