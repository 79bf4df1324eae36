"""The programs of the demonstration: started together, watched, and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from traefik.folder import RouteFolder
from waitroom.demo.places import HOST, Places, state
from waitroom.errors import WaitroomError
from waitroom.view import State

Programs = Mapping[str, subprocess.Popen[bytes]]
_START_S = 20.0
_END_S = 5.0


@contextlib.contextmanager
def running(places: Places, traefik: str) -> Iterator[Programs]:
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


def wait_until_up(places: Places, programs: Programs) -> None:
    """Return when the app's host is answered for, and led. Raises: WaitroomError when it isn't."""
    deadline = time.monotonic() + _START_S
    while not _is_up(places):
        demand_alive(places, programs)
        if time.monotonic() > deadline:
            raise WaitroomError(f"nothing answers at port {places.port}; see {places.data}/*.log")
        time.sleep(0.1)


def _is_up(places: Places) -> bool:
    """Whether the host is answered for through Traefik; one that sleeps, by its shadow.

    The first answer may come by way of the gap already, a moment before the shadow is cast.
    """
    said = state(places.port)
    if said == State.ASLEEP:
        return RouteFolder(places.routes).shadow(HOST) is not None
    return said is not None


def demand_alive(places: Places, programs: Programs) -> None:
    """Raise WaitroomError if one has ended, with its last words."""
    for name, process in programs.items():
        if process.poll() is not None:
            log = places.data / f"{name}.log"
            last = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise WaitroomError(f"{name} has ended, see {log}: {last}")
