"""The app of the demonstrations: one page, and every kind of request that must not be cut off.

It stands for somebody's app, so it knows nothing of the waiting room and imports nothing of it.
`serve` is what a container runs; `start`, `stop` and `status` make the same app a `command`
upstream on a machine without Docker. `http.server` is imported by `serve` alone, which halves
the time of the other three: `status` is asked again and again.

    GET  /anything            an HTML page that greets and says which URL was asked for
    GET  /slow?seconds=N      answers after N seconds (there is no access-log line before that)
    GET  /download?bytes=N    N bytes, trickled at about 20 KB/s
    GET  /ws                  a WebSocket that sends back what it gets
    POST /echo                sends the body back

The pid file is also a lock: `start` locks it (flock) and hands the open file on to the app, which
holds it until it ends, however it ends. The pid in it is only believed, and only signalled, while
the lock is held: another process that got the same pid is never taken for the app.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

import click

STOP_TIMEOUT_S = 5.0


@contextlib.contextmanager
def _opened(pid_file: Path) -> Iterator[tuple[IO[str], bool]]:
    """Open `pid_file` and say whether a running app holds its lock; if none does, we do now.

    Trying the lock takes it for a moment, so two commands at a time could take each other for the
    app: the lock of the folder lets one in after the other.
    """
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(pid_file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pid_file.open("a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield file, True
            else:
                yield file, False
    finally:
        os.close(folder)


def is_running(pid_file: Path) -> bool:
    """Say whether the app that wrote `pid_file` still runs."""
    with _opened(pid_file) as (_, running):
        return running


def start(pid_file: Path, port: int) -> None:
    """Start the app in a session of its own, unless it runs; return when its process exists.

    It may not listen yet. What it complains of goes to a `.log` file beside the pid file.
    """
    command = [sys.executable, "-m", "waitroom.demo.app", "serve", "--port", str(port)]
    with _opened(pid_file) as (file, running), pid_file.with_suffix(".log").open("ab") as log:
        if running:
            return
        file.truncate(0)  # before the app exists: what is left of the last one is never believed
        app = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=[file.fileno()],  # the lock lives as long as the app
            start_new_session=True,
        )
        file.write(f"{app.pid}\n")
        app.returncode = 0  # it is meant to outlive us: no ResourceWarning about that


def stop(pid_file: Path) -> bool:
    """End the app by SIGTERM and wait until it is gone; say whether it is."""
    _signal(pid_file)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while is_running(pid_file):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _signal(pid_file: Path) -> None:
    with _opened(pid_file) as (file, running):
        file.seek(0)
        pid = file.read().strip()
        if running and pid:
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                os.kill(int(pid), signal.SIGTERM)


def serve(host: str, port: int) -> NoReturn:
    """Serve until SIGTERM or Ctrl-C, which end it at once, also as PID 1 of a container."""
    from waitroom.demo.app_http import Server  # noqa: PLC0415 - see the module's docstring

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    try:
        server = Server(host, port)
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error.strerror}") from error
    with server:
        server.serve_forever()
    raise SystemExit(0)


_port = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
_pid_file = click.option("--pid-file", type=click.Path(path_type=Path), required=True)


@click.group(help="A small app that can be put to sleep and woken.")
def main() -> None:
    """Hold the sub-commands."""


@main.command("serve", help="Serve in the foreground until SIGTERM.")
@click.option("--host", default="127.0.0.1", show_default=True)
@_port
def _serve(host: str, port: int) -> None:
    serve(host, port)


@main.command("start", help="Start it in the background; nothing happens when it runs.")
@_pid_file
@_port
def _start(pid_file: Path, port: int) -> None:
    start(pid_file, port)


# stop and status take --port too, so that one line of hosts.yaml can be copied for all three.
@main.command("stop", help="End it; nothing happens when it does not run.")
@_pid_file
@click.option("--port", hidden=True)
def _stop(pid_file: Path, port: str | None) -> None:
    del port
    if not stop(pid_file):
        raise click.ClickException(f"{pid_file}: the app did not end in {STOP_TIMEOUT_S:.0f} s")


@main.command("status", help="Exit with 0 when it runs, with 1 when it does not.")
@_pid_file
@click.option("--port", hidden=True)
def _status(pid_file: Path, port: str | None) -> None:
    del port
    running = is_running(pid_file)
    click.echo("running" if running else "stopped")
    sys.exit(0 if running else 1)


if __name__ == "__main__":
    main()
