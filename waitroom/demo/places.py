"""Where everything of one demonstration is, and what its programs are told."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

HOST = "app.localhost"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything of one demo is."""

    data: Path
    port: int
    admin_port: int
    room_port: int
    app_port: int

    @property
    def routes(self) -> Path:
        """Return the folder that Traefik watches."""
        return self.data / "routes"

    def app_command(self, what: str) -> list[str]:
        """Return the command that starts, stops or asks for the app."""
        app = [sys.executable, "-m", "waitroom.demo.app", what]
        return [*app, "--pid-file", str(self.data / "app.pid"), "--port", str(self.app_port)]

    def environment(self) -> dict[str, str]:
        """Return what waiting room and sidecar are told, whatever the caller's own are told."""
        others = {k: v for k, v in os.environ.items() if not k.startswith("WAITROOM_")}
        return {
            **others,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUNBUFFERED": "1",
            "WAITROOM_HOSTS": str(self.data / "hosts.yaml"),
            "WAITROOM_DATA": str(self.data),
            "WAITROOM_ROUTES": str(self.routes),
            "WAITROOM_ACCESS_LOG": str(self.data / "access.log"),
            "WAITROOM_TRAEFIK_URL": f"http://127.0.0.1:{self.port}",
            "WAITROOM_URL": f"http://127.0.0.1:{self.room_port}",
            "WAITROOM_LISTEN": f"127.0.0.1:{self.room_port}",
            "WAITROOM_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "WAITROOM_SECRET_FILE": str(self.data / "secret"),
            "WAITROOM_RELEASE_LOG": "on",
        }

    def script(self) -> str:
        """Return shell lines after which the two programs' other commands speak to this demo."""
        told = self.environment().items()
        ours = [(n, v) for n, v in told if n == "PYTHONPATH" or n.startswith("WAITROOM_")]
        program = shlex.quote(str(Path(sys.executable).parent))
        return "".join(
            [*(f"export {n}={shlex.quote(v)}\n" for n, v in ours), f"PATH={program}:$PATH\n"]
        )


def state(port: int) -> str | None:
    """Return what the waiting room says of the host, asked at that port; None: nothing."""
    url = f"http://127.0.0.1:{port}/.waitroom/status"
    try:
        return requests.get(url, headers={"Host": HOST}, timeout=3).headers.get("X-Waitroom")
    except requests.RequestException:
        return None
