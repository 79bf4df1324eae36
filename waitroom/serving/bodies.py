"""Request bodies: those that are wanted are read first and quickly, all others after the answer.

A POST to a sleeping app is answered at once, and read on behind the answer: the proxy passes the
answer on while it still sends, and then lets go of the connection, however slow its client is. So
a slow sender holds a thread for some 50 ms. (Closed with the body unread, the proxy would run into
a broken pipe, sometimes before it has seen the answer, and tell the visitor 502 instead.)
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Container, Iterable, Iterator
from typing import NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestTimeout

# A wanted body comes in one piece with its head. Whoever takes longer, or comes when so many are
# being read, is told so: other requests have the rest of the threads.
_WANTED_S = 2.0
_WANTED_AT_ONCE = 24
_AFTERWARDS_S = 2.0
_CHUNK_BYTES = 1 << 16
# What reading a body raises when its sender is gone or was cut off.
_ENDED = (OSError, ParseException)


def read_wanted(
    application: WSGIApplication, paths: Container[str], most_bytes: int
) -> WSGIApplication:
    """Wrap an application that reads the bodies of POSTs to some paths, and no others.

    It gets at most `most_bytes` and one more, by which it can tell that it was too long. Needs
    gunicorn's environ.
    """
    places = threading.BoundedSemaphore(_WANTED_AT_ONCE)

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length == 0 and "HTTP_TRANSFER_ENCODING" not in environ:
            return application(environ, start_response)
        body = environ["wsgi.input"]
        environ["wsgi.input"] = io.BytesIO()
        wanted = environ["PATH_INFO"] in paths and environ["REQUEST_METHOD"] == "POST"
        if wanted and length <= most_bytes:
            environ["wsgi.input"] = _read(environ, body, most_bytes + 1, places)
        return _Answer(application(environ, start_response), environ["gunicorn.socket"], body)

    return wrapped


def _read(
    environ: WSGIEnvironment,
    body: io.BufferedIOBase,
    most_bytes: int,
    places: threading.BoundedSemaphore,
) -> io.BytesIO | _Late:
    if not places.acquire(blocking=False):
        return _Late()
    try:
        with _cut_off(environ["gunicorn.socket"], _WANTED_S) as late, contextlib.suppress(*_ENDED):
            whole = body.read(most_bytes)
            return _Late() if late.is_set() else io.BytesIO(whole)
    finally:
        places.release()
    return _Late()


class _Late(io.RawIOBase):
    """A body that did not come in time: whoever reads it raises 408."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> NoReturn:
        raise RequestTimeout


class _Answer:
    """An answer of WSGI's, and what is left to do when it is out."""

    def __init__(
        self, chunks: Iterable[bytes], sock: socket.socket, body: io.BufferedIOBase
    ) -> None:
        self._chunks = chunks
        self._sock = sock
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        """Read the body to its end, or until the proxy lets go of it."""
        if hasattr(self._chunks, "close"):
            self._chunks.close()
        deadline = time.monotonic() + _AFTERWARDS_S
        with _cut_off(self._sock, _AFTERWARDS_S), contextlib.suppress(*_ENDED):
            while self._body.read(_CHUNK_BYTES) and time.monotonic() < deadline:
                pass


@contextlib.contextmanager
def _cut_off(sock: socket.socket, after_s: float) -> Iterator[threading.Event]:
    """End the reading of a socket after a while; yields whether that has happened.

    The socket's own timeout begins anew with each byte, and who sends a byte a second never ends.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):  # closed meanwhile
            sock.shutdown(socket.SHUT_RD)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
