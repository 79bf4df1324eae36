"""A waiting room without its web: fake upstreams, one a host, and real files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tests.waitroom.fakes import FakeUpstream
from traefik.folder import RouteFolder
from waitroom.grants import Grants
from waitroom.hosts import Host, Registry
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.outcomes import Outcomes
from waitroom.room import Room
from waitroom.statuses import Statuses
from waitroom.stops import Stops
from waitroom.upkeep import Upkeep
from waitroom.wake import Waker


class House:
    """Each upstream is known by the host's url, so that it stays the same under another name."""

    def __init__(
        self, folder: Path, *hosts: Host, routes: Callable[[Path], RouteFolder] = RouteFolder
    ) -> None:
        self.registry = Registry({})
        self.upstreams: dict[str | None, FakeUpstream] = {}
        self.routes = routes(folder)
        self.locks = HostLocks(folder)
        self.stops = Stops(self.routes, self.locks)
        self.ended = threading.Event()
        self.statuses = Statuses(self.upstream)
        outcomes = Outcomes()
        self.journal = Journal(folder / "journal.jsonl")
        grants = Grants(self.journal, self.routes, lambda: self.registry.budget)
        files = {
            "folder": self.routes,
            "journal": self.journal,
            "locks": self.locks,
            "stops": self.stops,
            "connect": self.upstream,
        }
        self.waker = Waker(
            **files, probe=lambda _host, _url: True, outcomes=outcomes, grants=grants
        )  # type: ignore[arg-type]
        more = {"statuses": self.statuses, "waker": self.waker}
        self.upkeep = Upkeep(**files, **more, url="http://w")  # type: ignore[arg-type]
        self.room = Room(
            **more, folder=self.routes, stops=self.stops, outcomes=outcomes, upkeep=self.upkeep
        )  # type: ignore[arg-type]
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
