"""Answers that are the same for all who wait, kept for a moment: thousands ask, one is worked out.

How a host that wakes is getting on depends on nothing of who asks but the language. Where it could
be woken it depends on him, and each is answered by himself. Nothing else is ever kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Response

from waitroom.language.catalogues import language
from waitroom.serving.headers import READ_CHARACTERS
from waitroom.view import State

_FOR_S = 0.15
# While one works a new one out, all others get the old one: so a provider that does not answer
# holds one visitor's thread, and not those of all.
_RENEWED_WITHIN_S = 2.5
_SAME_FOR_ALL = frozenset({State.WAKING, State.READY, State.DRAINING, State.UNKNOWN})
_MOST = 1_000  # a host has as many spellings as strangers think of
# Headers with which a request is more than its head, or something else than it seems.
_MORE = re.compile(
    rb"\n(?:content-length|transfer-encoding|upgrade|expect|connection(?!: keep-alive\r))[ \t]*:",
    re.IGNORECASE,
)
_HOST = re.compile(rb"\nhost:[ \t]*([^\s]+)[ \t]*\r", re.IGNORECASE)
_LANGUAGE = re.compile(rb"\naccept-language:([^\r\n]*)\r", re.IGNORECASE)


@dataclass(slots=True)
class _Answer:
    whole: bytes  # as it is sent
    until_s: float  # by the clock


class Kept:
    """Wraps an application, of which one path's answers are kept. Threads: any may call."""

    def __init__(
        self,
        application: WSGIApplication,
        path: str,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._path = path
        self._begins = f"GET {path} HTTP/1.1\r\n".encode()
        self._clock_s = clock_s
        self._answers: dict[tuple[str, str], _Answer] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, and keep the answer if it is one of those."""
        if environ["PATH_INFO"] != self._path or environ["REQUEST_METHOD"] != "GET":
            return self._application(environ, start_response)
        answer = Response.from_app(self._application, environ, buffered=True)
        key = _key(environ.get("HTTP_HOST", ""), environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        if answer.status_code == HTTPStatus.OK and answer.headers["X-Waitroom"] in _SAME_FOR_ALL:
            self._keep(key, answer)
        else:
            self._answers.pop(key, None)
        return answer(environ, start_response)

    def at_once(self, request: bytes) -> bytes | None:
        """Return the answer to what came in on a connection, if it is a request for a kept one.

        Costs next to nothing. None: no such request, not a whole one, or nothing is kept for it.
        """
        if not request.startswith(self._begins) or request.find(b"\r\n\r\n") != len(request) - 4:
            return None
        host, wishes = _HOST.findall(request), _LANGUAGE.findall(request) or [b""]
        if (len(host), len(wishes)) != (1, 1) or _MORE.search(request):
            return None
        kept = self._answers.get(_key(host[0].decode("latin-1"), wishes[0].decode("latin-1")))
        now_s = self._clock_s()
        if kept is None:
            return None
        if now_s >= kept.until_s:
            kept.until_s = now_s + _RENEWED_WITHIN_S
            return None
        return kept.whole

    def _keep(self, key: tuple[str, str], answer: Response) -> None:
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[key] = _Answer(_whole(answer), self._clock_s() + _FOR_S)


def _key(host: str, wishes: str) -> tuple[str, str]:
    return host, language(wishes.strip()[:READ_CHARACTERS])


def _whole(answer: Response) -> bytes:
    more = {"Date": formatdate(usegmt=True), "Connection": "keep-alive"}
    lines = [f"{name}: {value}\r\n" for name, value in (*answer.headers, *more.items())]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}\r\n".encode("latin-1") + answer.get_data()
