"""The small listener of the sidecar's /metrics: prometheus_client's application, and a bound on it.

A thread a connection, and few connections: with each that comes, the one that came eight before it
is ended, should it still be there. So nobody is kept out by those that never say what they want,
and they cost no files that the log's reader needs.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

_AT_ONCE = 8


class Listener(ThreadingMixIn, WSGIServer):
    """Serves from threads of its own until the process ends."""

    daemon_threads = True
    request_queue_size = 128  # the library's 5 would make a scraper wait for seconds

    def __init__(self, registry: CollectorRegistry, listen: str) -> None:
        """Listen at ADDRESS:PORT. Raises: OSError."""
        address, _, port = listen.rpartition(":")
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address.strip("[]"), int(port)), _Quiet)
        self.set_app(make_wsgi_app(registry))
        self._last: deque[socket.socket] = deque(maxlen=_AT_ONCE)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request: object, client_address: object) -> None:
        """Answer a connection in a thread, and end the one that came so many before it."""
        assert isinstance(request, socket.socket)  # noqa: S101 - as it is TCP
        if len(self._last) == _AT_ONCE:
            with contextlib.suppress(OSError):  # it has ended by itself
                self._last[0].shutdown(socket.SHUT_RDWR)
        self._last.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who went away before the answer."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing: who scrapes does so every few seconds."""
