"""The real Traefik, waiting room and sidecar on this machine, with small apps as upstreams."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import altcha
import msgspec
import requests
import yaml

from tests.support import eventually, free_port, traefik_program
from traefik import static
from traefik.folder import RouteFolder

ROOT = Path(__file__).parent.parent.parent
HOST = "app.test"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def done(work: dict[str, Any]) -> str:
    """Do the work that a wake costs."""
    challenge = altcha.Challenge.from_dict(work)
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


class Local:
    """One stack in one folder. Each part can be started, ended and killed by itself."""

    def __init__(self, folder: Path, *, idle_after: str = "2s", **keys: Any) -> None:
        self.data = folder
        self.port, self.room_port, self.admin_port, self.app_port = (free_port() for _ in range(4))
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.routes = folder / "routes"
        self.routes.mkdir()
        self.hosts = {HOST: self.host_keys(idle_after=idle_after, **keys)}
        self.write_hosts()
        self.write_traefik()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WAITROOM_HOSTS": str(folder / "hosts.yaml"),
            "WAITROOM_DATA": str(folder),
            "WAITROOM_ROUTES": str(self.routes),
            "WAITROOM_ACCESS_LOG": str(folder / "access.log"),
            "WAITROOM_TRAEFIK_URL": self.url,
            "WAITROOM_URL": f"http://127.0.0.1:{self.room_port}",
            "WAITROOM_LISTEN": f"127.0.0.1:{self.room_port}",
            "WAITROOM_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "WAITROOM_SECRET_FILE": str(folder / "secret"),
        }

    def host_keys(self, **keys: Any) -> dict[str, Any]:
        return {
            "command": {what: self.app_command(what) for what in ("start", "stop", "status")},
            "url": f"http://127.0.0.1:{self.app_port}",
            "work": 2,  # a wake is asked for so that it can be tested, not so that it costs
            **keys,
        }

    def app_command(self, what: str) -> list[str]:
        app = [sys.executable, str(ROOT / "waitroom" / "demo" / "app.py"), what]
        return [*app, "--pid-file", str(self.data / "app.pid"), "--port", str(self.app_port)]

    def write_hosts(self) -> None:
        (self.data / "hosts.yaml").write_text(yaml.safe_dump({"hosts": self.hosts}))

    def write_traefik(self, *, access_log: str | None = None, routes: str | None = None) -> None:
        text = static.render(
            (ROOT / "traefik" / "traefik.yml").read_text(),
            address=f"127.0.0.1:{self.port}",
            routes=routes or str(self.routes),
            access_log=access_log or str(self.data / "access.log"),
        )
        (self.data / "traefik.yml").write_text(text)

    def start(self, *names: str) -> None:
        for name in names or ("waitroom", "traefik", "sidecar"):
            self.spawn(name)
        if "waitroom" in self.processes and "traefik" in self.processes:
            eventually(lambda: self.state() is not None, what="the waiting room answers")

    def spawn(self, name: str) -> None:
        """Start one part, and wait for nothing."""
        argv = {
            "waitroom": [sys.executable, "-m", "waitroom"],
            "traefik": [traefik_program(), f"--configFile={self.data / 'traefik.yml'}"],
            "sidecar": [sys.executable, "-m", "sidecar"],
        }[name]
        with (self.data / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                argv, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )  # fmt: skip

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        return process.wait(15)

    def close(self) -> None:
        for name in tuple(self.processes):
            self.end(name)
        subprocess.run(self.app_command("stop"), check=False, capture_output=True)

    def get(self, path: str = "/", host: str = HOST, **kwargs: Any) -> requests.Response:
        headers = {"Host": host, "User-Agent": BROWSER, **kwargs.pop("headers", {})}
        method = kwargs.pop("method", "GET")
        return requests.request(
            method, self.url + path, headers=headers,
            timeout=kwargs.pop("timeout", 10), allow_redirects=False, **kwargs,
        )  # fmt: skip

    def state(self) -> str | None:
        """The waiting room's word on the host, or None without one."""
        try:
            url = f"http://127.0.0.1:{self.room_port}/.waitroom/status"
            return requests.get(url, headers={"Host": HOST}, timeout=5).headers["X-Waitroom"]
        except requests.RequestException:
            return None

    def token(self, answer: requests.Response) -> str:
        found = re.search(r'name="token" value="([^"]+)"', answer.text)
        assert found, answer.text[:500]
        return found[1]

    def post_wake(self, token: str, host: str = HOST) -> requests.Response:
        """Ask for a wake as the page's script does, with the work that it costs."""
        answer = self._post_wake(host, {"token": token, "work": "?"})
        if answer.status_code == requests.codes.precondition_required:
            answer = self._post_wake(host, {"token": token, "work": done(answer.json()["work"])})
        return answer

    def _post_wake(self, host: str, data: dict[str, str]) -> requests.Response:
        headers = {"Accept": "application/json"}
        return self.get("/.waitroom/wake", host, method="POST", data=data, headers=headers)

    def wake(self) -> None:
        """Wake the host as the page does, and wait until the app answers."""
        # A Traefik that has just started leads nowhere yet.
        eventually(lambda: self.is_awake() or "X-Waitroom" in self.get().headers, what="a route")
        answer = self.get()
        if "X-Waitroom" in answer.headers:
            token = self.token(answer)
            eventually(lambda: self.is_taken(token), what="the wake is taken")
            eventually(self.is_awake, what="the app answers")

    def is_taken(self, token: str) -> bool:
        """Ask for a wake once; whether it is taken, or has to be asked for again."""
        asked = self.post_wake(token)
        # Found stopped a moment ago, its requests go by way of the app's route yet, for which we
        # answer 503; the page asks again, too.
        assert asked.status_code in (requests.codes.accepted, requests.codes.unavailable), (
            asked.text
        )
        return asked.status_code == requests.codes.accepted

    def start_awake(self) -> None:
        """Start all parts, with the app awake."""
        self.start()
        eventually(lambda: self.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
        self.wake()

    def reasons(self) -> list[str]:
        """Why sleeps were called off."""
        return [event["reason"] for event in self.events("sleep_called_off")]

    @contextmanager
    def websocket(self) -> Iterator[socket.socket]:
        """Hold a WebSocket to the app open through Traefik; its frames are the test's own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            key = base64.b64encode(os.urandom(16)).decode()
            client.sendall(
                f"GET /ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            assert b" 101 " in client.recv(4096)
            yield client

    def drain(self) -> None:
        """Begin to put the host to sleep, as the sidecar does, and wait until that is in force."""
        RouteFolder(self.routes).drain([HOST], "proof.test")
        eventually(
            lambda: self.get("/.waitroom/canary/x").status_code == requests.codes.no_content,
            what="requests lead to the waiting room",
        )

    def is_awake(self) -> bool:
        """Whether the app itself answers through Traefik."""
        answer = self.get()
        return answer.status_code == requests.codes.ok and "X-Waitroom" not in answer.headers

    def is_asleep(self) -> bool:
        """Whether the shadow stands and the app has ended; asks without any request."""
        return (self.routes / f"{HOST}.asleep.yml").exists() and not self.app_runs()

    def app_runs(self) -> bool:
        return (
            subprocess.run(self.app_command("status"), check=False, capture_output=True).returncode
            == 0
        )

    def activity(self) -> dict[str, Any]:
        return dict(
            msgspec.json.decode(
                (Path(self.environment["WAITROOM_DATA"]) / "activity.json").read_bytes()
            )
        )

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        try:
            events = self.activity()["events"].values()
        except FileNotFoundError:
            return []
        return [event for event in events if kind in (None, event["kind"])]

    def log(self, name: str) -> str:
        return (self.data / f"{name}.log").read_text(errors="replace")
