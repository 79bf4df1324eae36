"""An app that keeps an account: which bodies it took, and whether it was stopped in use.

    python -m tests.faults.app FOLDER PORT

FOLDER/mood says how it behaves. FOLDER/taken has a line for each body that was POSTed, FOLDER/cut a
line for each stop that came while a request was under way, FOLDER/crashed one for each crash of its
own: how many requests that cut off. It is started and stopped by `commands`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from waitroom.demo import app_http

BIG_BYTES = 10_000_000
SSE_EVENTS = 8
_BLOCK = bytes(range(250)) * 400
# Whoever runs holds the lock of app.pid, however he ended. One command at a time: each tries that
# lock, and must not take another one's try for the app. In the shell, since a status is asked for
# all the time and Python takes ten times as long to begin.
_TURN = 'cd "$1" && exec 8<. && flock 8 && '
_COMMANDS = {
    "start": 'exec 9>>app.pid; flock -n 9 || exit 0; : >app.pid; cd "$OLDPWD"; exec 8<&-;'
    ' setsid "$0" -m tests.faults.app "$1" "$2" </dev/null >/dev/null 2>&1 &',
    "stop": "flock -n app.pid true && exit; until [ -s app.pid ]; do sleep 0.01; done;"
    ' kill "$(cat app.pid)" 2>/dev/null; true',
    "status": "! flock -n app.pid true",
}


def commands(folder: Path, port: int) -> dict[str, list[str]]:
    """Return the keys of its `command` in hosts.yaml."""
    arguments = [sys.executable, str(folder), str(port)]
    return {what: ["sh", "-c", _TURN + act, *arguments] for what, act in _COMMANDS.items()}


class Handler(app_http.Handler):
    folder: Path
    under_way = 0
    lock = threading.Lock()

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        with self.counted():
            match urlsplit(self.path).path:
                case "/big":
                    self._head("application/octet-stream", BIG_BYTES)
                    for _ in range(BIG_BYTES // len(_BLOCK)):
                        self.wfile.write(_BLOCK)
                case "/sse":
                    self._sse()
                case _:
                    super().do_GET()

    def do_POST(self) -> None:  # noqa: N802 - the same
        with self.counted():
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with (self.folder / "taken").open("ab", buffering=0) as file:
                file.write(body.split(b" ")[0] + b"\n")
            self._head("text/plain", 0)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self.lock:
            Handler.under_way += 1
        try:
            yield
        finally:
            with self.lock:
                Handler.under_way -= 1

    def _sse(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for number in range(SSE_EVENTS):
            self.wfile.write(f"data: {number}\n\n".encode())
            time.sleep(0.1)


def serve(folder: Path, port: int) -> None:
    # By itself: whoever starts it may be killed at any point.
    (folder / "app.pid").write_text(str(os.getpid()))
    Handler.folder = folder

    def end(*_: object) -> None:
        if Handler.under_way:
            with (folder / "cut").open("a") as file:
                file.write(f"{Handler.under_way}\n")
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    behave(folder, port)
    server = app_http.Server("127.0.0.1", port)
    server.RequestHandlerClass = Handler
    server.serve_forever()


def behave(folder: Path, port: int) -> None:
    """Be as FOLDER/mood says: silent, flaps, late SECONDS, or well."""
    mood_file = folder / "mood"
    match mood_file.read_text().split() if mood_file.exists() else []:
        case ["silent"]:
            listener = socket.create_server(("127.0.0.1", port))
            held = []
            while True:
                held.append(listener.accept())
        case ["flaps"]:
            threading.Timer(0.3, crash, [folder]).start()
        case ["late", seconds]:
            time.sleep(float(seconds))


def crash(folder: Path) -> None:
    with Handler.lock:  # so that no request begins after they were counted
        with (folder / "crashed").open("a") as file:
            file.write(f"{Handler.under_way}\n")
        os._exit(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
