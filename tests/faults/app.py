"""An app that keeps an account: which bodies it took, and whether it was stopped in use.

    python -m tests.faults.app start|stop|status|serve FOLDER PORT

FOLDER/mood says how it behaves. FOLDER/taken has a line for each body that was POSTed, FOLDER/cut a line for each stop that came
while a request was under way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from waitroom import demo_http

BIG_BYTES = 10_000_000
SSE_EVENTS = 8
_BLOCK = bytes(range(250)) * 400


class Handler(demo_http.Handler):
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
    server = demo_http.Server("127.0.0.1", port)
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
            threading.Timer(0.3, os._exit, [1]).start()
        case ["late", seconds]:
            time.sleep(float(seconds))


def main(what: str, folder: Path, port: int) -> int:
    if what == "serve":
        serve(folder, port)
    # One command at a time: each tries the lock, and must not take another one's try for the app.
    turn = os.open(folder, os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    # Whoever runs holds the lock, however he ended.
    with (folder / "app.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return running(what, Path(file.name))
        if what == "start":
            file.truncate(0)
            app = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.app", "serve", str(folder), str(port)],
                pass_fds=[file.fileno()], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            app.returncode = 0  # it outlives us
        return what == "status"


def running(what: str, pid_file: Path) -> int:
    if what == "stop":
        while not pid_file.read_text():  # it has only just been started
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
