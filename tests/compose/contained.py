"""The stack over containers of an engine of the test's own, which announce themselves."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.between import Between
from tests.compose.engine import Engine
from tests.integration.local import HOST, Local
from tests.support import eventually, free_port

# The app is slow to come up and, as the first process of its container, deaf to SIGTERM: there is a
# middle of a wake, and of a stop, in which something can happen.
APP = "sleep 1; echo hello > /tmp/index.html; exec httpd -f -p 127.0.0.1:{port} -h /tmp"


class Contained(Local):
    """Waiting room, sidecar and Traefik as processes; hosts.yaml names no host."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        super().__init__(folder)
        self.engine = engine
        self.environment |= {"DOCKER_HOST": engine.address, "WAITROOM_DOCKER_LABELS": "on"}
        self.announce(HOST, port=self.app_port, idle_after="2s")

    def announce(
        self, host: str, *, port: int | None = None, app: str = APP, **labels: str
    ) -> None:
        """Make a container that announces a host, of the same name."""
        port = port or free_port()
        keys = {"enable": "true", "host": host, "url": f"http://127.0.0.1:{port}", **labels}
        self.engine.create(
            host, "sh", "-c", app.format(port=port),
            labels={f"waitroom.{key}": value for key, value in keys.items()},
        )  # fmt: skip

    def write_hosts(self) -> None:
        defaults: dict[str, Any] = {
            "work": 2,
            "budget": {"wakes_per_day": 1000, "wakes_per_visitor": 1000},
        }
        (self.data / "hosts.yaml").write_text(yaml.safe_dump({"defaults": defaults, "hosts": {}}))

    def app_runs(self) -> bool:
        return self.engine.status(HOST) == "running"

    def starts_app(self) -> bool:
        """Whether its container runs, and its app does not answer yet."""
        if not self.app_runs():
            return False
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{self.app_port}", timeout=5)
            return False
        return True

    def demand_exact_counts(self) -> None:
        """Demand that what is recorded is what a reader without any cleverness finds in the log."""
        eventually(lambda: self._recorded() == self._found(), what="each request is counted once")

    def _found(self) -> int:
        lines = map(json.loads, (self.data / "access.log").read_text().splitlines())
        return sum(
            line.get("ServiceName") == f"{HOST}@file"
            and "canary" not in line.get("request_User-Agent", "")
            for line in lines
        )

    def _recorded(self) -> int:
        hosts = self.activity()["hosts"].values()
        return sum(int(host["requests"]) for host in hosts if host["host"] == HOST)

    def close(self) -> None:
        for name in tuple(self.processes):
            self.end(name)
        self.engine.remove_all()


SLEEPING = [f"h{number}.test" for number in range(90)]
RUNNING = [f"h{number}.test" for number in range(90, 100)]


class Many(Contained):
    """A hundred more containers. What each process asks the engine is counted."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        super().__init__(folder, engine)
        for name in SLEEPING:
            self.announce(name, idle_after="2s")
        for name in RUNNING:
            self.announce(name)
            engine.client.api.start(name)
        socket = engine.address.removeprefix("unix://")
        self.asks = {
            name: Between(engine.folder / f"{name}.sock", socket)
            for name in ("waitroom", "sidecar")
        }

    def spawn(self, name: str) -> None:
        if name in self.asks:
            self.environment["DOCKER_HOST"] = f"unix://{self.asks[name].path}"
        super().spawn(name)

    def sleeps(self, host: str) -> bool:
        """Whether it is shadowed."""
        return (self.routes / f"{host}.asleep.yml").exists()

    def is_known(self) -> bool:
        """Whether what sleeps is shadowed, and what runs has its route."""
        routed = all((self.routes / f"{name}.yml").exists() for name in RUNNING)
        return routed and all(map(self.sleeps, SLEEPING)) and not any(map(self.sleeps, RUNNING))

    def lists(self, process: str) -> int:
        """How often a process has listed all containers."""
        return self.asks[process].count("/containers/json")

    def close(self) -> None:
        super().close()
        for between in self.asks.values():
            between.cut()
