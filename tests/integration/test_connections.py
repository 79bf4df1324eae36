"""Traefik's connections to an app that is awake: ours must cost its visitors nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.integration.local import HOST, Local
from tests.support import eventually

CLIENTS = 16
REQUESTS = 40


class CountingApp(ThreadingHTTPServer):
    """Counts the connections that it takes."""

    taken = 0

    def get_request(self) -> tuple[object, object]:
        self.taken += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def app() -> Iterator[CountingApp]:
    with CountingApp(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_many_clients_at_once_share_the_connections_to_their_app(
    local: Local, app: CountingApp
) -> None:
    local.hosts[HOST] |= {
        "command": {"start": ["true"], "stop": ["true"], "status": ["true"]},
        "url": f"http://127.0.0.1:{app.server_port}",
    }
    local.write_hosts()
    local.start("waitroom", "traefik")
    eventually(local.is_awake, what="the app answers")
    with ThreadPoolExecutor(CLIENTS) as pool:
        assert all(pool.map(ask_often, [local.url] * CLIENTS))
    assert app.taken < CLIENTS * REQUESTS / 4


def ask_often(url: str) -> bool:
    with requests.Session() as client:
        answers = [client.get(url, headers={"Host": HOST}, timeout=10) for _ in range(REQUESTS)]
    return all(answer.ok for answer in answers)
