"""The admin listener over a waiting room with one host that sleeps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from waitroom.admin import admin_app
from waitroom.guard import Guard
from waitroom.hosts import Host
from waitroom.journal import Journal
from waitroom.operators import Operators
from waitroom.orders import Orders
from waitroom.recorded import Recorded

HOST = a_host()
SECRET = b"s" * 32


class Operated:
    def __init__(self, folder: Path, host: Host = HOST) -> None:
        self.house = House(folder, host)
        self.house.routes.mark_asleep(host.names)
        (folder / "sidecar.alive").write_text(datetime.now(UTC).isoformat())
        self.journal = Journal(folder / "journal.jsonl")
        self.operators = Operators(folder / "operators.json")
        recorded = Recorded(folder)
        self.orders = Orders(
            room=self.house.room,
            statuses=self.house.statuses,
            journal=self.journal,
            recorded=recorded,
        )
        self.app = admin_app(
            health=list,
            readiness=list,
            metrics=CollectorRegistry(),
            registry=lambda: self.house.registry,
            guard=Guard(self.operators, SECRET),
            room=self.house.room,
            orders=self.orders,
            recorded=recorded,
        )
