"""Request bodies that nobody here wants, read to their end before the answer goes out.

A POST to a sleeping app is answered without looking at its body. Were the connection closed with
the body unread, the proxy would run into a broken pipe and tell the visitor 502 instead.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_CHUNK_BYTES = 1 << 16
# What is larger, slower or one too many at a time is cut off after all: nobody may hold the
# threads of those who wait.
_BYTES = 256 << 20
_SECONDS = 5.0
_AT_ONCE = 8
_PLACE_S = 1.0


def read_to_the_end(application: WSGIApplication) -> WSGIApplication:
    """Wrap an application so that each request is read whole; needs gunicorn's environ."""
    places = threading.BoundedSemaphore(_AT_ONCE)

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = application(environ, start_response)
        has_body = environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ
        if has_body and places.acquire(timeout=_PLACE_S):
            try:
                _discard(environ)
            finally:
                places.release()
        return answer

    return wrapped


def _discard(environ: WSGIEnvironment) -> None:
    sock, left, deadline = environ["gunicorn.socket"], _BYTES, time.monotonic() + _SECONDS
    before = sock.gettimeout()
    # A client that has gone away gets no answer anyway.
    with contextlib.suppress(OSError, ValueError):
        while left > 0 and time.monotonic() < deadline:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = environ["wsgi.input"].read(_CHUNK_BYTES)
            if not chunk:
                break
            left -= len(chunk)
    with contextlib.suppress(OSError):
        sock.settimeout(before)
