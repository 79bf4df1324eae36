"""The sidecar's /metrics listener, asked over real connections."""

from __future__ import annotations

import contextlib
import socket

import requests
from prometheus_client import CollectorRegistry

from sidecar.scraped import Listener
from tests.support import eventually, free_port


def test_connections_that_never_say_what_they_want_are_ended_and_keep_nobody_out() -> None:
    address = f"127.0.0.1:{free_port()}"
    listener = Listener(CollectorRegistry(), address)
    with contextlib.closing(listener.socket), contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(listener.server_address[:2], timeout=15))
            for _ in range(50)
        ]
        for client in held:
            client.sendall(b"GET /metrics HT")
        assert requests.get(f"http://{address}/metrics", timeout=15).status_code == 200
        for client in held[:40]:
            assert client.recv(1) == b""
        eventually(lambda: requests.get(f"http://{address}/metrics", timeout=15).ok)
        listener.shutdown()
