"""The compose file of this project, brought up beside whatever else the engine runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import free_port

ROOT = Path(__file__).parents[2]
UP_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """One project of the compose file, with names, ports and a hosts.yaml of its own."""

    project: str
    port: int
    admin_port: int
    folder: Path  # holds config/hosts.yaml and override.yml

    @classmethod
    def prepare(cls, project: str, port: int, folder: Path) -> Stack:
        """Write what differs from the shipped stack: the app's container name, and hosts.yaml."""
        stack = cls(project, port, free_port(), folder)
        shutil.copytree(ROOT / "config", stack.hosts.parent)
        for shared in (folder, stack.hosts.parent):
            shared.chmod(0o755)  # the stack reads it as another user
        override = {
            "services": {
                "demo-app": {"container_name": stack.app},
                "waitroom": {"volumes": [f"{stack.hosts.parent}:/config:ro"]},
                "sidecar": {"volumes": [f"{stack.hosts.parent}:/config:ro"]},
            }
        }
        (folder / "override.yml").write_text(json.dumps(override))  # JSON is YAML
        stack.edit_hosts("container: demo-app", f"container: {stack.app}")
        return stack

    @property
    def app(self) -> str:
        """The name of the container that sleeps."""
        return f"{self.project}-app"

    @property
    def hosts(self) -> Path:
        return self.folder / "config" / "hosts.yaml"

    def edit_hosts(self, old: str, new: str) -> None:
        """Replace a part of hosts.yaml as an editor does: a new file under the old name."""
        text = self.hosts.read_text()
        assert text.count(old) == 1
        edited = self.hosts.with_suffix(".new")
        edited.write_text(text.replace(old, new))
        edited.rename(self.hosts)

    def compose(self, *arguments: str, stdin: str | None = None) -> str:
        """Run docker compose on this project, and return its standard output."""
        ports = {"WAITROOM_PORT": str(self.port), "WAITROOM_ADMIN_PORT": str(self.admin_port)}
        files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(self.folder / "override.yml")]
        return docker(
            "compose", "-p", self.project, *files, *arguments,
            stdin=stdin, environment=ports,
        )  # fmt: skip

    def up(self, *services: str) -> None:
        """Build and start, and return when all is healthy."""
        self.compose("up", "-d", "--build", "--wait", f"--wait-timeout={UP_TIMEOUT_S}", *services)

    def containers(self) -> list[str]:
        """Return the ids of the project's containers, running or not."""
        return self.compose("ps", "--all", "--quiet").split()

    def status(self) -> str:
        """Return the app's status in the engine's words, such as running or exited."""
        return docker("inspect", "--format", "{{.State.Status}}", self.app).strip()


def docker(
    *arguments: str, stdin: str | None = None, environment: dict[str, str] | None = None
) -> str:
    """Run the docker command, and return its standard output."""
    done = subprocess.run(
        ["docker", *arguments],  # noqa: S607 - whichever docker the person has
        input=stdin, capture_output=True, text=True, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-4000:]}"
    return done.stdout


def wait_until(what: str, condition: Callable[[], bool], deadline_s: float = 60) -> None:
    """Ask until it is so; a test fails by the name of what never came."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.1)
