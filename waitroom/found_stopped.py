"""Hosts that were found stopped: each is led to the waiting room, and an event tells it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from traefik.folder import RouteFolder
from waitroom.errors import WaitroomError
from waitroom.journal import Journal
from waitroom.kinds import Kind
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Upstream
from waitroom.upstreams.fronts import is_down

log = logging.getLogger(__name__)

# For the shadow of the host that he found stopped.
_VISITOR_WAITS_S = 1.0


class FoundStopped:
    """Casts their shadows. Threads: any may call."""

    def __init__(
        self,
        connect: Callable[[Host], Upstream],
        folder: RouteFolder,
        journal: Journal,
        locks: HostLocks,
    ) -> None:
        self._connect = connect
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._lock = threading.Lock()
        self._by_visitor: dict[str, threading.Thread] = {}  # hosts that a visitor found

    def shadow(self, host: Host) -> None:
        """Lead it to the waiting room, if it is stopped still. Raises: WaitroomError, OSError."""
        with self._lock:
            by_visitor = self._by_visitor.get(host.name)
        if by_visitor:
            by_visitor.join()  # what comes after this call rests on the shadow being there
        self._shadow(host)

    def shadow_soon(self, host: Host) -> None:
        """Have that done for a visitor, by a thread; logs what goes wrong.

        The first who asks waits for it, so that what he sends next finds it done, but only for a
        moment, as the provider that is asked again may be slow. All others go on at once.
        """
        thread = threading.Thread(
            target=self._try_to_shadow, args=(host,), name=f"shadow-{host.name}", daemon=True
        )
        with self._lock:
            if host.name in self._by_visitor:
                return
            thread.start()
            self._by_visitor[host.name] = thread
        thread.join(_VISITOR_WAITS_S)

    def _try_to_shadow(self, host: Host) -> None:
        try:
            self._shadow(host)
        except (WaitroomError, OSError) as error:
            log.error("%s: was found stopped: %s", host.name, error)
        finally:
            with self._lock:
                del self._by_visitor[host.name]

    def _shadow(self, host: Host) -> None:
        with self._locks.hold(host.name) as ours:
            if not ours or not is_down(host, self._connect(host).status()):
                return
            if self._folder.shadow(host.name) is None:
                self._folder.mark_asleep(host.names, host.traefik.entry_points)
                log.info("%s: found stopped", host.name)
                self._journal.append(Kind.FOUND_STOPPED, host.name)
