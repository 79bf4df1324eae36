"""A waiting room without its web: fake upstreams, one a host, and real files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tests.waitroom.fakes import FakeUpstream
from traefik.folder import RouteFolder
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.parts import put_together
from waitroom.registry.hosts import Host, Registry
from waitroom.waking.stops import Stops


class House:
    """Each upstream is known by the host's url, so that it stays the same under another name."""

    def __init__(
        self, folder: Path, *hosts: Host, routes: Callable[[Path], RouteFolder] = RouteFolder
    ) -> None:
        self.registry = Registry({})
        self.upstreams: dict[str | None, FakeUpstream] = {}
        self.routes = routes(folder)
        self.ended = threading.Event()
        self.journal = Journal(folder / "journal.jsonl")
        # What these know is on the disk: the room's own say the same.
        self.locks = HostLocks(folder)
        self.stops = Stops(folder, self.routes, self.locks)
        parts = put_together(
            data=folder,
            folder=self.routes,
            journal=self.journal,
            budget=lambda: self.registry.budget,
            connect=self.upstream,
            probe=lambda _host, _front: True,
            url="http://w",
        )
        self.statuses = parts.statuses
        self.waker, self.upkeep, self.room = parts.waker, parts.upkeep, parts.room
        self.adopt(*hosts)

    def upstream(self, host: Host) -> FakeUpstream:
        return self.upstreams.setdefault(host.url, FakeUpstream())

    def adopt(self, *hosts: Host) -> None:
        self.registry = Registry({host.name: host for host in hosts})
        self.upkeep.adopt(self.registry)

    def sweep(self) -> None:
        """Begin to sweep, until the test ends."""
        arguments = (lambda: self.registry, self.ended)
        threading.Thread(target=self.upkeep.sweep, args=arguments, daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self.upkeep.adopt(self.registry)  # whoever waits for the next sweep sees the end
