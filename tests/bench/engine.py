"""As much of a Docker engine as a status asks: thousands of containers, half of them stopped.

It knows when it was asked about which, so that a round of questions can be timed from outside.
"""

from __future__ import annotations

import json
import time

from tests.bench.served import Handler, Server

RUNS = {"Status": "running", "StartedAt": "2026-01-02T03:04:05.123456789Z"}
RESTS = {"Status": "exited", "StartedAt": "2026-01-02T03:04:05.123456789Z"}


def runs(name: str) -> bool:
    """Whether a container named c7 runs: those with even numbers do."""
    return int(name[1:]) % 2 == 0


class Engine(Server):
    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked: dict[str, float] = {}  # time.monotonic() of the last question about each

    @property
    def url(self) -> str:
        """Return what DOCKER_HOST is to be."""
        return f"tcp://127.0.0.1:{self.server_port}"


class _Handler(Handler):
    def do_GET(self) -> None:  # noqa: N802 - the name that http.server asks for
        engine = self.server
        assert isinstance(engine, Engine)
        if self.path.endswith("/version"):
            return self._answer({"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "26"})
        name = self.path.split("/")[-2]
        engine.asked[name] = time.monotonic()
        return self._answer({"Id": name, "Config": {}, "State": RUNS if runs(name) else RESTS})

    def _answer(self, document: dict[str, object]) -> None:
        self.answer(200, "application/json", json.dumps(document).encode())
