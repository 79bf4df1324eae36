"""examples/beside-traefik as it stands, and the compose projects of apps beside it.

Each waiting room, and each Traefik with labels, sees all containers of the engine: tests that have
an edge run one after the other, or both would announce one host.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

from tests.compose.stack import ROOT, UP_TIMEOUT_S, docker, wait_until
from tests.support import free_port

_TOKEN = re.compile(r"<input[^>]*\bname=[\"']?token\b[^>]*\bvalue=[\"']?([^\"'\s>]+)")
_BROWSER = {
    "Accept": "text/html",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """Traefik and the waiting room, under names of their own."""

    name: str
    port: int
    admin_port: int
    folder: Path  # what differs from the examples is written here

    def project(self, file: Path) -> Project:
        """Return a project of this file, not up yet."""
        return Project(self, file, f"{self.name}-{file.parent.name}-{file.stem}")

    def get(self, host: str, path: str = "/") -> requests.Response:
        headers = {**_BROWSER, "Host": host}
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)

    def state(self, host: str) -> str | None:
        """Return what the waiting room says; None where it is not the one that answers."""
        return self.get(host).headers.get("X-Waitroom")

    def wake(self, host: str, page: requests.Response) -> None:
        """Wake a host as the page without script does."""
        token = _TOKEN.search(page.text)
        assert token
        url = f"http://127.0.0.1:{self.port}/.waitroom/wake"
        data = {"token": token[1]}
        answer = requests.post(
            url, headers={**_BROWSER, "Host": host}, data=data, timeout=10, allow_redirects=False
        )
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text

    def restart_traefik(self) -> None:
        docker("restart", "--time=2", f"{self.name}-beside-traefik-compose-traefik-1")
        wait_until("Traefik listens", self._is_up)

    def _is_up(self) -> bool:
        try:
            self.get("nobody.localhost")
        except requests.ConnectionError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Project:
    """One compose project at the edge."""

    edge: Edge
    file: Path
    name: str

    def compose(self, *arguments: str) -> str:
        files = ["-f", str(self.file), "-f", str(self._override)]
        return docker(
            "compose", "-p", self.name, *files, *arguments,
            environment={
                "WAITROOM_PORT": str(self.edge.port),
                "WAITROOM_ADMIN_PORT": str(self.edge.admin_port),
                "WEB_NETWORK": self.edge.name,
            },
        )  # fmt: skip

    @contextmanager
    def up(self) -> Iterator[None]:
        """Bring it up, and take it down, also if it never came up."""
        try:
            self.compose("up", "-d")
            yield
        finally:
            self.compose("down", "--timeout=2")

    def logs(self) -> str:
        """Return what its containers have said."""
        return self.compose("logs", "--no-color", "--timestamps")

    def override(self, services: Mapping[str, object]) -> None:
        """Say what is to differ from the file."""
        self._override.write_text(json.dumps({"services": services}))  # JSON is YAML

    def container(self, service: str) -> str:
        return f"{self.name}-{service}-1"

    def found(self, service: str, what: str) -> str:
        """Return what the engine knows of a service's container."""
        return docker("inspect", "--format", f"{{{{{what}}}}}", self.container(service)).strip()

    def runs(self, service: str) -> bool:
        return self.found(service, ".State.Status") == "running"

    @property
    def _override(self) -> Path:
        return self.edge.folder / f"{self.name}.yml"


@contextmanager
def edge(
    name: str,
    folder: Path,
    *,
    example: str = "beside-traefik",
    services: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Edge]:
    """Bring it up, and take it down with its volumes and its image.

    `services`: what is to differ from the example's.
    """
    made = Edge(name, free_port(), free_port(), folder)
    project = made.project(ROOT / "examples" / example / "compose.yml")
    changed: dict[str, Any] = {**services}
    for ours in ("waitroom", "sidecar"):
        changed[ours] = {"image": name, **changed.get(ours, {})}
    project.override(changed)
    try:
        project.compose("up", "-d", "--build", "--wait", f"--wait-timeout={UP_TIMEOUT_S}")
        yield made
    finally:
        sys.stdout.write(project.logs())  # shown where the test fails
        project.compose("down", "--volumes", "--timeout=5")
        docker("image", "rm", name)
