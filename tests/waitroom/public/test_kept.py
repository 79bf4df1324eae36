"""Answers that are kept for all who wait: when, for whom, and never for longer than a moment."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from waitroom.public.kept import Kept

PATH = "/.waitroom/status"
HEAD = f"GET {PATH} HTTP/1.1\r\nHost: app.test\r\nAccept: application/json\r\n\r\n".encode()


class Room:
    """An application whose answers are numbered, behind what keeps them."""

    def __init__(self, state: str = "waking", status: int = 200) -> None:
        self.state, self.status, self.answers, self.now_s = state, status, 0, 0.0
        app = Flask("room")
        app.add_url_rule("/<path:_path>", view_func=self._answer, methods=["GET", "POST"])
        self.kept = Kept(app, PATH, lambda: self.now_s)
        self.client = Client(self.kept)

    def _answer(self, _path: str) -> Response:
        self.answers += 1
        return Response(str(self.answers), self.status, headers={"X-Waitroom": self.state})

    def ask(self, language: str = "", method: str = "GET", path: str = PATH) -> None:
        """Ask as who comes first does, by way of the application."""
        headers = {"Host": "app.test", "Accept-Language": language}
        self.client.open(path, method=method, headers=headers)

    def at_once(self, language: str = "") -> str | None:
        wishes = f"\r\nAccept-Language: {language}".encode() if language else b""
        answer = self.kept.at_once(HEAD[:-4] + wishes + b"\r\n\r\n")
        return answer and answer.rpartition(b"\r\n\r\n")[2].decode()


def test_what_one_was_told_all_others_are_told_for_a_moment() -> None:
    room = Room()
    assert room.at_once() is None
    room.ask()
    assert [room.at_once() for _ in range(3)] == ["1", "1", "1"]
    room.now_s = 0.2
    assert room.at_once() is None
    assert room.answers == 1


def test_it_is_the_same_answer_as_it_would_be_sent_by_the_application() -> None:
    room = Room()
    room.ask()
    head, _, body = (room.kept.at_once(HEAD) or b"").partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert (first, body) == ("HTTP/1.1 200 OK", b"1")
    assert {"X-Waitroom: waking", "Content-Length: 1", "Connection: keep-alive"} <= {*headers}


def test_while_one_asks_anew_the_others_get_the_old_answer() -> None:
    room = Room()
    room.ask()
    room.now_s = 1.0
    assert room.at_once() is None  # he is on his way to the application
    assert room.at_once() == "1"
    room.ask()
    assert room.at_once() == "2"


def test_should_he_not_come_back_the_next_one_asks() -> None:
    room = Room()
    room.ask()
    room.now_s = 1.0
    assert room.at_once() is None
    room.now_s = 5.0
    assert room.at_once() is None


@pytest.mark.parametrize(
    ("state", "status"), [("asleep", 200), ("failed", 200), ("unknown", 404), ("waking", 503)]
)
def test_what_depends_on_the_visitor_or_is_no_status_is_not_kept(state: str, status: int) -> None:
    room = Room()
    room.ask()
    room.state, room.status = state, status
    room.ask()
    assert room.at_once() is None


def test_each_language_has_its_own() -> None:
    room = Room()
    room.ask("en")
    room.ask("id")
    assert (room.at_once("en-GB,en;q=0.5"), room.at_once("id-ID"), room.at_once()) == (
        "1", "2", "1",
    )  # fmt: skip


def test_no_other_path_or_method_is_kept() -> None:
    room = Room()
    room.ask(path="/other")
    room.ask(method="POST")
    assert room.at_once() is None


@pytest.mark.parametrize(
    "request_",
    [
        HEAD[:-2],
        HEAD + b"GET / HTTP/1.1\r\n\r\n",
        HEAD.replace(b"GET", b"POST"),
        HEAD.replace(b"status", b"status/x"),
        HEAD.replace(b"1.1", b"1.0"),
        HEAD.replace(b"Accept:", b"Host: other.test\r\nAccept:"),
        HEAD.replace(b"Host: app.test\r\n", b""),
        HEAD.replace(b"app.test", b"other.test"),
        HEAD.replace(b"Accept:", b"Content-Length: 5\r\nAccept:"),
        HEAD.replace(b"Accept:", b"transfer-encoding: chunked\r\nAccept:"),
        HEAD.replace(b"Accept:", b"Connection: close\r\nAccept:"),
        HEAD.replace(b"Accept:", b"Upgrade: h2c\r\nAccept:"),
        b"",
    ],
)
def test_what_is_anything_else_than_that_very_request_goes_the_usual_way(request_: bytes) -> None:
    room = Room()
    room.ask()
    assert room.kept.at_once(HEAD)
    assert room.kept.at_once(HEAD.replace(b"Accept:", b"Connection: keep-alive\r\nAccept:"))
    assert room.kept.at_once(request_) is None


@given(st.binary() | st.binary().map(lambda more: HEAD[:-2] + more + b"\r\n\r\n"))
def test_no_bytes_break_it(request_: bytes) -> None:
    room = Room()
    room.ask()
    room.kept.at_once(request_)


@pytest.mark.timeout(20)
def test_no_request_holds_up_all_others() -> None:
    room = Room()
    room.ask()
    spaces = b" " * 300_000  # each of which a pattern could try to end at
    for name in (b"Accept-Language", b"Host", b"Expect", b"Connection"):
        room.kept.at_once(HEAD[:-2] + name + b":" + spaces + b"\nX: x\r\n\r\n")


def test_hosts_that_strangers_make_up_fill_no_memory() -> None:
    room = Room()
    for i in range(1_500):
        room.client.get(PATH, headers={"Host": f"app.test:{i}"})
    assert len(room.kept._answers) <= 1_000  # noqa: SLF001 - nothing outside can see it
