"""A waiting room that does what a test says: the page's other end, without proxy or upstream."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

from waitroom.errors import Reason
from waitroom.gate.challenges import Challenges
from waitroom.gate.game import Games
from waitroom.language.catalogues import language
from waitroom.language.words import message
from waitroom.pages import board, page
from waitroom.registry.branding import Branding
from waitroom.view import Refused, Stage, State, View

# Its icon is here, as the browser would ask for one, and the test counts what is asked.
APP = "<!doctype html><title>The app</title><link rel=icon href='data:,'><h1>The app</h1>"

GAMES = Games(Challenges(b"s" * 32))


@dataclass
class Playroom:
    """What is so, set by the test, and what was asked, read by it."""

    state: State = State.ASLEEP
    stage: Stage | None = None
    reason: Reason | None = None
    elapsed_s: float = 0.0
    expected_s: float | None = 20.0
    late_s: float | None = None
    refused: Refused | None = None
    brand: Branding = field(default_factory=Branding)
    host: str = "app.example.com"
    origin_status: int | None = None
    automatic: bool = True
    may_wake: bool = True
    puzzle: bool = False  # it wakes for a solved one
    registered: bool = True
    scripts: bool = True  # False: pages are as a browser without script has them
    app_is_back: bool = False  # the app's own route leads to it, also for our paths
    sign_in: str = ""  # where the app sends whoever it does not know
    headerless: bool = False  # somebody on the way removes our header
    faults: list[int] = field(default_factory=list)  # answers of the proxy to the next polls
    delay_s: float = 0.0  # of a poll's answer
    broken: bool = False  # the connection of a poll ends without an answer
    wakes: list[int] = field(default_factory=list)  # answers to the next wakes; then 202

    pages: list[str] = field(default_factory=list)
    polls: int = 0
    tokens: list[str] = field(default_factory=list)  # that were posted
    server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> Self:
        self.server = _Server(self)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def view(self) -> View:
        return View(
            host=self.host,
            state=self.state,
            since=datetime.now(UTC),
            elapsed_s=self.elapsed_s,
            expected_s=self.expected_s,
            late_s=self.late_s,
            stage=self.stage,
            refused=self.refused,
            reason=self.reason,
        )


class _Server(ThreadingHTTPServer):
    def __init__(self, room: Playroom) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.room = room

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of every error but this: a browser that leaves a page drops its requests."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    @property
    def room(self) -> Playroom:
        assert isinstance(self.server, _Server)
        return self.server.room

    def do_GET(self) -> None:
        if self.path == "/.waitroom/status":
            self.room.polls += 1
            time.sleep(self.room.delay_s)
            self._status()
        elif self.path == "/.waitroom/chess":
            self._board()
        elif self.room.app_is_back and self.room.sign_in:
            self._answer(302, "", "text/html", ours=False, location=self.room.sign_in)
        elif self.room.app_is_back:
            self.room.pages.append(self.path)
            self._answer(200, APP, "text/html", ours=False)
        else:
            self.room.pages.append(self.path)
            self._page()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.room.tokens.extend(parse_qs(body)["token"])
        status = self.room.wakes.pop(0) if self.room.wakes else 202
        if status == 202:
            self.room.state = State.WAKING
        if "json" in self.headers["Accept"]:
            self._answer(status, json.dumps(self._told()), "application/json")
        else:
            self._answer(303, "", "text/html", location=self.headers["Referer"])

    def _status(self) -> None:
        if self.room.broken:
            self.close_connection = True
        elif self.room.faults:
            self._answer(self.room.faults.pop(0), "Bad Gateway", "text/plain", ours=False)
        elif self.room.app_is_back:
            self._answer(404, "no such page", "text/plain", ours=False)
        else:
            self._answer(200, json.dumps(self._told()), "application/json")

    def _told(self) -> dict[str, object]:
        view = self.room.view()
        return {
            "host": view.host,
            "state": view.state,
            "refused": view.refused.why if view.scene is not view.state and view.refused else None,
            "elapsed_s": view.elapsed_s,
            "expected_s": view.expected_s,
            "late_s": view.late_s,
            "message": message(view, self._language()),
        }

    def _board(self) -> None:
        game = GAMES.play(self.room.host, "", "", "", 0.0)
        html = board.render(
            self.room.view(), game, self._language(),
            wakes=self.room.puzzle, back="/", nonce="n", brand=self.room.brand,
        )  # fmt: skip
        policy = page.content_security_policy("n", framed=True)
        self._answer(200, html, "text/html", policy=policy)

    def _page(self) -> None:
        if not self.room.registered:
            html = page.unregistered(self.room.host, self._language(), nonce="n")
            self._answer(404, html, "text/html", policy=page.content_security_policy("n"))
            return
        nonce = f"nonce{len(self.room.pages)}"
        html = page.render(
            self.room.view(),
            self._language(),
            token=f"token{len(self.room.pages)}"
            if self.room.may_wake and not self.room.refused and not self.room.puzzle
            else None,
            automatic=self.room.automatic,
            puzzle=self.room.puzzle,
            nonce=nonce,
            origin_status=self.room.origin_status,
            brand=self.room.brand,
        )
        self._answer(503, html, "text/html", policy=page.content_security_policy(nonce))

    def _language(self) -> str:
        return language(self.headers.get("Accept-Language", ""))

    def _answer(
        self,
        status: int,
        text: str,
        kind: str,
        *,
        ours: bool = True,
        policy: str = "",
        location: str = "",
    ) -> None:
        if not self.room.scripts:
            text = _without_script(text)
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "same-origin")
        if ours and not self.room.headerless:
            self.send_header("X-Waitroom", self.room.state)
        if policy:
            self.send_header("Content-Security-Policy", policy)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the test counts."""


def _without_script(html: str) -> str:
    """Return a page as a browser without script has it, so that tools that are scripts see it.

    It does not look again by itself then, or it would do so in the middle of a test.
    """
    plain = re.sub(r"<script.*?</script>|<meta http-equiv=[^>]*>", "", html, flags=re.DOTALL)
    return re.sub(r"</?noscript>", "", plain)
