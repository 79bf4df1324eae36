"""One listener's loop over real connections: what holds a thread, and what waits without one."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from gunicorn.config import Config
from gunicorn.glogging import Logger

from tests.support import eventually, no_threads
from waitroom.serving.heads import HEAD_BYTES
from waitroom.serving.loop import Loop

HEAD = b"GET /%s HTTP/1.1\r\nHost: app.test\r\n\r\n"
CONNECTIONS = 12


class Listener(socket.socket):
    """One that can be told that there are no files left."""

    exhausted = False
    refused = 0  # how often it was asked all the same

    def accept(self) -> tuple[socket.socket, Any]:
        if self.exhausted:
            self.refused += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


class Served:
    """A loop with one thread, over an application that answers with the path it is asked for."""

    def __init__(self) -> None:
        config = Config()
        config.set("limit_request_line", 0)
        config.set("limit_request_field_size", HEAD_BYTES)
        self.listener = Listener()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        told = (0, os.getppid(), [self.listener], None, 30, config, Logger(config))
        self.loop = Loop(*told, threads=1, connections=CONNECTIONS)
        self.loop.slow_s = 1.5
        self.loop.wsgi = self._answer
        self.loop.prepare()
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()
        self.clients = contextlib.ExitStack()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1")
        if path == b"/fault":
            raise ValueError
        answer = b"x" * 50_000_000 if path == b"/large" else path
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def connect(self, *sent: bytes) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        self.clients.enter_context(client)
        for piece in sent:
            client.sendall(piece)
        return client

    def answers(self) -> bool:
        """Whether somebody else is answered."""
        url = f"http://127.0.0.1:{self.port}/other"
        return requests.get(url, headers={"Connection": "close"}, timeout=15).text == "/other"

    def close(self) -> None:
        self.clients.close()
        self.loop.handle_exit(0, None)
        self.thread.join(15)
        self.loop.tmp.close()  # gunicorn's, else for the arbiter


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


def read(client: socket.socket) -> bytes:
    """Read one answer; nothing: the connection has ended."""
    answer = b""
    while True:
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if length and len(body) == int(length[1]):
            return answer
        more = client.recv(4096)
        if not more:
            return answer
        answer += more


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: app.test\r\n",
        b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
        HEAD % b"" + b"GET / HT",
        b"GET / HTTP/1.0\r\n\r\n",
        b"no request\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES,
    ],
    ids=lambda sent: sent[:60].decode() + f" ({len(sent)})",
)
def test_whoever_says_too_little_or_takes_no_leave_holds_no_thread(
    served: Served, sent: bytes
) -> None:
    for _ in range(5):
        served.connect(sent)
    assert served.answers()


def test_a_head_may_come_in_pieces_and_the_next_before_the_answer(served: Served) -> None:
    client = served.connect(b"GET /a HTTP", b"/1.1\r\nHost: app", b".test\r\n\r")
    client.sendall(b"\nGET /b HTTP/1.1\r\nHost: app.test\r\n")
    answer = read(client)
    assert answer.endswith(b"/a")
    assert b"gunicorn" not in answer
    client.sendall(b"\r\n")
    assert read(client).endswith(b"/b")
    client.sendall(HEAD % b"c")
    assert read(client).endswith(b"/c")


@pytest.mark.parametrize("sent", [b"GET / HT", HEAD % b"" + b"GET / HT", b"GET / HTTP/1.0\r\n\r\n"])
def test_whoever_is_slow_for_long_is_ended(served: Served, sent: bytes) -> None:
    client = served.connect(sent)
    while read(client):
        pass
    eventually(lambda: served.loop.nr_conns == 0, what="its connection is forgotten")


def test_where_there_is_no_more_room_the_longest_idle_go(served: Served) -> None:
    first = served.connect()
    idle = [served.connect() for _ in range(3 * CONNECTIONS)]
    assert served.answers()
    assert read(first) == b""
    idle[-1].sendall(HEAD % b"last")
    assert read(idle[-1]).endswith(b"/last")


def test_where_no_file_is_left_it_does_not_spin_and_takes_them_later(served: Served) -> None:
    served.listener.exhausted = True
    client = served.connect(HEAD % b"late")
    eventually(lambda: served.listener.refused > 1, what="it has tried again")
    before = served.listener.refused
    time.sleep(0.5)
    assert served.listener.refused - before < 20
    served.listener.exhausted = False
    assert read(client).endswith(b"/late")


def test_where_no_thread_is_left_a_client_is_dropped_and_the_next_is_answered(
    served: Served,
) -> None:
    with no_threads():
        assert read(served.connect(HEAD % b"")) == b""
    assert served.answers()
    eventually(lambda: served.loop.nr_conns == 0, what="its connection is forgotten")


def test_who_takes_nothing_of_what_is_said_of_his_fault_holds_no_thread(served: Served) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                near.send(b"x" * 65_536)
        near.settimeout(None)  # as gunicorn leaves it
        answering = threading.Thread(
            target=served.loop.handle_error, args=(None, near, None, ValueError()), daemon=True
        )
        answering.start()
        answering.join(10 * served.loop.slow_s)
        assert not answering.is_alive()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no request\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: app.test\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nExpect: a miracle\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: magic\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES, 431),
        (HEAD % b"fault", 500),
    ],
)
def test_what_is_no_request_gets_an_answer_of_ours_and_no_line_in_the_log(
    served: Served, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    with caplog.at_level(logging.INFO):
        answer = read(served.connect(sent))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nX-Waitroom: unknown\r\n" in answer
    assert b"\r\nCache-Control: no-store\r\n" in answer
    assert b"gunicorn" not in answer
    assert bool(caplog.records) is (status == 500)


def test_a_url_with_letters_that_should_have_been_escaped_is_a_request(served: Served) -> None:
    client = served.connect(b"GET /\xc3\xa9?q=\xc3\xa9 HTTP/1.1\r\nX: \xc3\xa9\r\n\r\n")
    assert read(client).endswith("/é".encode())


def test_a_head_of_sixty_thousand_bytes_is_a_request(served: Served) -> None:
    client = served.connect(
        b"GET /" + b"x" * 15_000 + b" HTTP/1.1\r\nCookie: " + b"c" * 45_000 + b"\r\n\r\n"
    )
    assert read(client).startswith(b"HTTP/1.1 200 ")


def test_who_sends_a_body_that_nobody_waits_for_is_told_so(served: Served) -> None:
    length = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    late = served.connect(length)
    assert b"\r\nConnection: close\r\n" in read(late)
    late.sendall(b"12345" + HEAD % b"again")
    assert read(late) == b""
    whole = served.connect(length + b"12345")
    assert b"\r\nConnection: keep-alive\r\n" in read(whole)


def test_a_client_that_does_not_take_its_answer_holds_its_thread_for_a_while_only(
    served: Served,
) -> None:
    served.connect(HEAD % b"large")
    assert served.answers()


@pytest.mark.parametrize("size", [1_000, 50_000_000])
def test_a_client_that_takes_no_answers_sent_at_once_is_ended(served: Served, size: int) -> None:
    served.loop.at_once = lambda _: b"x" * size
    client = served.connect()
    client.settimeout(0)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        for _ in range(100_000):
            client.send(b"again and again")
    eventually(lambda: served.loop.nr_conns == 0, what="its connection is forgotten")
