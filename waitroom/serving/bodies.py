"""Request bodies: those that are wanted are read first and quickly, all others not at all.

A POST to a sleeping app is answered at once, and what its client still sends is passed over behind
the answer (see `loop`): the proxy passes the answer on while it still sends, and then lets go of
the connection, however slow its client is. (Closed with the body unread, the proxy would run into
a broken pipe, sometimes before it has seen the answer, and tell the visitor 502 instead.)
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestTimeout

# A wanted body comes in one piece with its head. Whoever takes longer, or comes when too many are
# being read, is told so: other requests have the rest of the threads.
_WANTED_S = 2.0
# What reading a body raises when its sender is gone or was cut off.
_ENDED = (OSError, ParseException)


def read_wanted(
    application: WSGIApplication,
    is_wanted: Callable[[WSGIEnvironment], bool],
    *,
    most_bytes: int,
    at_once: int,
) -> WSGIApplication:
    """Wrap an application that reads the bodies of some requests, and no others.

    It gets at most `most_bytes` and one more, by which it can tell that it was too long. So many
    are read `at_once`. Needs gunicorn's environ.
    """
    places = threading.BoundedSemaphore(at_once)

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        environ["wsgi.input"] = io.BytesIO()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        comes = length or "HTTP_TRANSFER_ENCODING" in environ
        if comes and length <= most_bytes and is_wanted(environ):
            environ["wsgi.input"] = _read(environ, body, most_bytes + 1, places)
        return application(environ, start_response)

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
