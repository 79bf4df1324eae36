from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sidecar.posting import post
from sidecar.webhooks import Webhooks
from tests.support import eventually
from waitroom.registry.hosts import Webhook


class Receiver:
    """An HTTP server that keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], dict[str, str], bytes]] = []
        self.at_s: list[float] = []  # when, by a clock that nobody sets
        self.statuses: list[int] = []  # of the next answers; then 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.at_s.append(time.monotonic())
                receiver.got.append((json.loads(body), dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def kinds(self) -> list[str]:
        return [event["kind"] for event, _, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def event(kind: str) -> dict[str, Any]:
    return {"at": "2026-11-23T01:00:00Z", "host": "app.test", "kind": kind}


def test_sends_the_kinds_that_a_hook_asked_for_in_order(receiver: Receiver) -> None:
    hooks = Webhooks([Webhook(receiver.url, kinds=("woken", "slept"))])
    for kind in ("wake_requested", "woken", "slept", "stop_failed", "woken"):
        hooks.put(event(kind))
    eventually(lambda: receiver.kinds() == ["woken", "slept", "woken"])
    eventually(lambda: not hooks.waiting())
    hooks.end()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_sends_again_until_it_is_taken_and_keeps_the_order(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status, status]
    hooks = Webhooks([Webhook(receiver.url)], retry_s=0.01)
    hooks.put(event("woken"))
    hooks.put(event("slept"))
    eventually(lambda: receiver.kinds() == ["woken", "woken", "woken", "slept"])
    ids = [headers["X-Waitroom-Delivery"] for _, headers, _ in receiver.got]
    assert len(set(ids)) == 2
    hooks.end()


def test_signs_what_it_sends(receiver: Receiver, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    hooks = Webhooks([Webhook(receiver.url, secret_file=str(secret))])
    hooks.put(event("woken"))
    eventually(lambda: len(receiver.got) == 1)
    _, headers, body = receiver.got[0]
    signed_s, _, digest = headers["X-Waitroom-Signature"].removeprefix("t=").partition(",v1=")
    assert digest == hmac.new(b"s3cret", f"{signed_s}.".encode() + body, hashlib.sha256).hexdigest()
    hooks.end()


def test_sends_nothing_unsigned_while_the_secret_cannot_be_read(
    receiver: Receiver, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    tries: list[str] = []

    def send(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> None:
        tries.append(hook.url)
        post(hook, body, headers)

    hooks = Webhooks([Webhook(receiver.url, secret_file=str(secret))], send=send, retry_s=0.01)
    hooks.put(event("woken"))
    eventually(lambda: len(tries) > 1)
    secret.write_text("\n")
    before = len(tries)
    eventually(lambda: len(tries) > before + 1)
    assert not receiver.got
    secret.write_text("late")
    eventually(lambda: len(receiver.got) == 1)
    hooks.end()


def test_the_next_process_sends_what_this_one_could_not(receiver: Receiver) -> None:
    gone = Webhooks([Webhook("http://127.0.0.1:9/hook")], retry_s=60)
    gone.put(event("stop_failed"))
    assert gone.take_changed()
    assert not gone.take_changed()
    left = json.loads(json.dumps(gone.waiting()).replace("http://127.0.0.1:9/hook", receiver.url))
    gone.end()
    hooks = Webhooks([Webhook(receiver.url)], left)
    eventually(lambda: receiver.kinds() == ["stop_failed"])
    assert receiver.got[0][1]["X-Waitroom-Delivery"] == left[0]["id"]
    hooks.end()


def test_a_hook_that_hangs_holds_up_no_other_and_keeps_a_bounded_number(
    receiver: Receiver,
) -> None:
    hooks = Webhooks([Webhook("http://127.0.0.1:9/hook"), Webhook(receiver.url)], retry_s=60)
    for hundred in range(1, 12):
        for _ in range(100):
            hooks.put(event("woken"))
        eventually(lambda sent=100 * hundred: len(receiver.got) == sent)  # type: ignore[misc]
    eventually(lambda: len(hooks.waiting()) == 1000)
    hooks.end()


def test_a_receiver_that_never_answers_holds_up_nothing(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        hooks = Webhooks([Webhook(url), Webhook(receiver.url)])
        for kind in ("woken", "slept"):
            hooks.put(event(kind))
        asked, _ = silent.accept()  # it is asked, and says nothing
        eventually(lambda: receiver.kinds() == ["woken", "slept"])
        eventually(lambda: [each["url"] for each in hooks.waiting()] == [url, url])
        hooks.end()
        asked.close()


def test_the_pauses_between_tries_grow(receiver: Receiver) -> None:
    receiver.statuses = [500, 500, 500]
    hooks = Webhooks([Webhook(receiver.url)], retry_s=0.05)
    hooks.put(event("woken"))
    eventually(lambda: len(receiver.at_s) == 4)
    pauses = [after - before for before, after in itertools.pairwise(receiver.at_s)]
    assert all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.2), strict=True))
    hooks.end()


def test_a_hook_that_was_removed_gets_no_more(receiver: Receiver) -> None:
    hooks = Webhooks([Webhook("http://127.0.0.1:9/hook")], retry_s=60)
    hooks.put(event("woken"))
    hooks.adopt([Webhook(receiver.url)])
    assert not hooks.waiting()
    hooks.put(event("slept"))
    eventually(lambda: receiver.kinds() == ["slept"])
    hooks.end()


def test_who_has_taken_an_event_and_never_ends_his_answer_holds_up_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_without_end() -> None:
            with server.accept()[0] as connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    connection.sendall(b"x" * 65536)

        answering = threading.Thread(target=answer_without_end)
        answering.start()
        webhooks = Webhooks([Webhook(f"http://127.0.0.1:{server.getsockname()[1]}/")])
        webhooks.put(event("slept"))
        eventually(lambda: not webhooks.waiting())
        webhooks.end()
        answering.join()


def test_the_log_names_a_hook_without_what_may_be_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [500, 500]
    caplog.set_level("INFO")
    nobody = "http://ann:s3cret@127.0.0.1:9/s3cret"
    hooks = Webhooks([Webhook(f"{receiver.url}/s3cret"), Webhook(nobody)], retry_s=0.01)
    hooks.put(event("woken"))
    eventually(lambda: "takes events again" in caplog.text)
    eventually(lambda: "trying again: ConnectionError" in caplog.text)
    hooks.end()
    assert "webhook http://127.0.0.1: trying again: it answered 500" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_target_that_can_not_even_be_asked_is_tried_again() -> None:
    """Its name is too long for DNS, which is no OSError to who sends."""
    tries: list[str] = []

    def send(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> None:
        tries.append(hook.url)
        post(hook, body, headers)

    webhooks = Webhooks([Webhook(f"http://{'a' * 70}.test/")], send=send, retry_s=0.01)
    webhooks.put(event("slept"))
    eventually(lambda: len(tries) > 2)
    webhooks.end()
