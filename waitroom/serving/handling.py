"""What a thread of a listener does: it reads one request, whose head is whole, and answers it.

Stands on gunicorn's worker with threads, as `loop` does.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from http import HTTPStatus
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from waitroom.serving import heads, refusals

log = logging.getLogger(__name__)


class Handling(ThreadWorker):
    """The half of a listener that its threads run."""

    # From a head's first byte to its last; to take an answer that the kernel's buffers don't hold,
    # as happens where many are asked for at once; and to take leave.
    slow_s = 10.0

    def __init__(self, *told: Any) -> None:  # noqa: ANN401 - gunicorn's
        super().__init__(*told)
        # The header Server, else of no use to anybody but who knows a hole in what it names.
        wsgi.SERVER = "waitroom"  # type: ignore[attr-defined]  # the stubs lack it

    def handle(self, conn: TConn) -> bool:
        """Read a request, and answer it. Runs in a thread."""
        if conn.sock.fileno() < 0:  # see Loop._give
            return False
        heard = unreader(conn)
        heard.unread(heads.escaped(heard.take_buffered()))
        return bool(super().handle(conn))

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Answer a request, in a thread of its own for as long as its client takes part."""
        conn.sock.settimeout(self.slow_s)
        if not heads.is_body_here(req):  # nobody waits for it, and who sends it must know that
            req.force_close()
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            return False

    def handle_error(
        self, req: Request | None, client: socket.socket, _addr: object, exc: BaseException
    ) -> None:
        """Answer what is no request; who sent what is nobody's business, and would fill the log."""
        status = refusals.status(exc)
        if req is not None:  # it was one
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            log.error("a request could not be answered; this is a fault of ours", exc_info=exc)
        with contextlib.suppress(OSError):
            client.settimeout(self.slow_s)
            client.sendall(refusals.answer(status))


def unreader(conn: TConn) -> Unreader:
    """Return what a connection has said, and was not parsed yet."""
    assert isinstance(conn.parser, RequestParser)  # noqa: S101 - no other protocol is switched on
    return conn.parser.unreader
