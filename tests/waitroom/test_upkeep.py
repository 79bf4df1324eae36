"""The sweep mends what others have changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import eventually
from tests.waitroom.fakes import FakeUpstream, a_vm
from traefik.folder import RouteFolder
from waitroom.hosts import Host, Registry
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.room import Room
from waitroom.statuses import Statuses
from waitroom.upstreams.base import Phase
from waitroom.wake import Waker

OLD, NEW = "http://10.0.0.2:8080", "http://10.0.0.3:8080"


class House:
    """A room whose one host is a VM that runs at another address than its route says."""

    def __init__(self, folder: Path, vm: Host) -> None:
        self.vm = vm
        self.upstream = FakeUpstream(Phase.RUNNING)
        self.upstream.url = NEW
        self.routes = RouteFolder(folder)
        self.routes.lead(vm.names, OLD)
        self.ended = threading.Event()
        shared = {
            "connect": lambda _: self.upstream,
            "folder": self.routes,
            "journal": Journal(folder / "journal.jsonl"),
            "locks": HostLocks(folder),
        }
        waker = Waker(**shared, probe=lambda _host, url: url == self.upstream.url)  # type: ignore[arg-type]
        statuses = Statuses(lambda _: self.upstream)
        self.room = Room(**shared, statuses=statuses, waker=waker, url="http://w")  # type: ignore[arg-type]

    def sweep(self) -> None:
        registry = Registry({self.vm.name: self.vm})
        threading.Thread(target=self.room.sweep, args=(lambda: registry, self.ended)).start()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, a_vm())
    yield house
    house.ended.set()


def test_a_vm_that_moved_behind_our_back_is_led_to_again(house: House) -> None:
    house.sweep()
    eventually(lambda: house.routes.leads(house.vm.names, NEW))


def test_a_reload_of_the_registry_keeps_the_route_of_a_vm(house: House) -> None:
    house.room.adopt(Registry({house.vm.name: house.vm}))
    assert house.routes.leads(house.vm.names, OLD)
    house.room.adopt(Registry({}))
    assert not house.routes.leads(house.vm.names, OLD)
