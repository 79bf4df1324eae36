"""The admin listener over a waiting room with one host that sleeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from waitroom.admin.guard import Guard
from waitroom.admin.listener import admin_app
from waitroom.admin.operators import Operators, Role
from waitroom.admin.orders import Orders
from waitroom.journal import Journal
from waitroom.record.records import Latest
from waitroom.registry.hosts import Host

HOST = a_host()
SECRET = b"s" * 32


class Operated:
    def __init__(self, folder: Path, host: Host = HOST) -> None:
        self.now_s = 0.0  # of the sessions' clock
        self.house = House(folder, host)
        self.house.routes.mark_asleep(host.names)
        (folder / "sidecar.alive").write_text(datetime.now(UTC).isoformat())
        self.journal = Journal(folder / "journal.jsonl")
        self.operators = Operators(folder / "operators.json")
        recorded = Latest(folder)
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
            guard=Guard(self.operators, SECRET, lambda: self.now_s),
            room=self.house.room,
            orders=self.orders,
            recorded=recorded,
            data=folder,
        )

    def reader(self) -> FlaskClient:
        """Return the browser of a reader who is logged in."""
        client = self.app.test_client()
        csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)
        assert csrf
        token = self.operators.add("ann", Role.READER)
        client.post("/login", data={"csrf": csrf[1], "token": token})
        return client
