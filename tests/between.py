"""A unix socket between a program and a Docker engine, which counts, and can be cut."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path

_REQUEST = re.compile(rb"^(?:GET|POST|DELETE) (?:/v[0-9.]+)?(/[^ ?]*)", re.MULTILINE)


class Between:
    """Carries all that is said, as when there was nothing in between."""

    def __init__(self, path: Path, engine: str) -> None:
        """`engine`: the path of its socket."""
        self.path = path
        self.asked: list[str] = []  # the path of each request
        self._engine = engine
        self._open: list[socket.socket] = []
        self.listen()

    def count(self, what: str) -> int:
        """How many requests there were whose whole path is of this pattern."""
        return sum(re.fullmatch(what, path) is not None for path in self.asked)

    def listen(self) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(128)
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._open += [client, engine]
            for ends in ((client, engine, True), (engine, client, False)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:  # noqa: FBT001
        try:
            while data := source.recv(65536):
                if asks:  # what we ask fits into one packet
                    self.asked += [path.decode() for path in _REQUEST.findall(data)]
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.path.unlink()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()
