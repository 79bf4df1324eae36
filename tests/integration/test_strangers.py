"""Requests that are legal and odd, through the real Traefik: an app would answer, so do we."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.integration.local import BROWSER, HOST, Local
from tests.support import eventually


@pytest.fixture(scope="module")
def asleep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    stack = Local(tmp_path_factory.mktemp("strangers"))
    stack.start("waitroom", "traefik")
    eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep")
    yield stack
    stack.close()


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("/", "Cookie: " + "c" * 30_000),
        ("/" + "u" * 9_000, "X: x"),
        ("/?q=é", "X: x"),
        ("/", "SCRIPT_NAME: /x"),
        ("/", "PATH_INFO: /.waitroom/status"),
        ("/", "X-Forwarded-Ssl: on\r\nX-Forwarded-Protocol: ssl"),
        ("/", "X-HTTP-Method-Override: POST\r\nX-Original-URL: /.waitroom/wake"),
        ("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"),
    ],
    ids=lambda text: text[:40],
)
def test_an_odd_visitor_gets_the_page(asleep: Local, url: str, header: str) -> None:
    head = f"GET {url} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: {BROWSER}\r\n{header}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", asleep.port), timeout=10) as client:
        client.sendall(head.encode())
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nX-Waitroom: asleep\r\n" in answer


def test_what_strangers_send_is_not_in_the_log(asleep: Local) -> None:
    for sent in (
        b"get /secret HTTP/1.1\r\n\r\n",
        b"GET /secret\r\n\r\n",
        b"GET / HTTP/1.1\r\n:\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", asleep.room_port), timeout=10) as client:
            client.sendall(sent)
            assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert "secret" not in asleep.log("waitroom")
    assert "127.0.0.1" not in asleep.log("waitroom")
