"""The tests' Compute Engine as a program of its own, for a stack in containers.

One VM, erp-1, whose app answers on port 8080 of this machine while the VM runs. Anybody's key is
good. Each status is a line on stdout.
"""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.gce.machines import Machine
from tests.gce.server import Gce, send

_ANYWHERE = "0.0.0.0"  # noqa: S104 - a container of its own


class _App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        send(self, 200, b"Hello from the VM\n", {"Content-Type": "text/plain"})

    def log_message(self, *_: object) -> None:
        pass


def _app() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((_ANYWHERE, 8080), _App)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def main() -> None:
    app: list[ThreadingHTTPServer] = []

    def changed(machine: Machine) -> None:
        print(machine.name, machine.status, flush=True)  # noqa: T201 - that is what it is for
        if machine.status == "RUNNING":
            app.append(_app())
        elif app:
            server = app.pop()
            server.shutdown()
            server.server_close()

    with Gce(step_s=0.2, listen=(_ANYWHERE, 80)) as gce:
        gce.machines.changed = changed
        address = socket.gethostbyname(socket.gethostname())
        gce.machines.add("erp-1", address=address, labels={"waitroom": "true"})
        threading.Event().wait()


if __name__ == "__main__":
    main()
