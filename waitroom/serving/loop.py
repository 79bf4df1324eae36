"""The loop of one listener: where its connections are while they hold no thread.

A thread gets a request when its head is whole, and not before. Until then its connection is here,
whether it has said nothing yet, is kept alive, or sends its head byte by byte; and here it ends,
since who was answered may not take leave for long. What thousands ask for at once is answered from
here, too: no thread, no parser, no application.

This stands on what gunicorn's worker with threads is like inside, so requirements.txt names its
version.
"""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from gunicorn.workers.gthread import TConn

from waitroom.serving import heads, refusals
from waitroom.serving.handling import Handling, unreader

_AT_ONCE_BYTES = 16_384
# The listener stays readable while nobody can be taken in: without a pause the loop would spin.
_NO_ROOM_S = 0.1


class Loop(Handling):
    """Its connections: silent ones are gunicorn's `keepalived_conns`, slow ones `pending_conns`."""

    # Returns the answer to what came in, if that is known already.
    at_once: Callable[[bytes], bytes | None] = staticmethod(lambda _: None)

    def __init__(self, *told: Any, threads: int, connections: int) -> None:  # noqa: ANN401 - gunicorn's
        """Take what gunicorn tells a worker. At most so many `threads` and `connections`."""
        super().__init__(*told)
        self.worker_connections = connections
        self.max_keepalived = connections - threads
        self._threads = threads

    def prepare(self) -> None:
        """Make what a loop needs that is none of gunicorn's own worker."""
        self.tpool = self.get_thread_pool()
        self.poller = selectors.DefaultSelector()
        self.method_queue.init()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Make the threads, each when it is needed first."""
        return ThreadPoolExecutor(self._threads)

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; where there is no more room, the longest idle loses its place."""
        if self.nr_conns >= self.worker_connections - 1:
            self._end_oldest()
        try:
            super().accept(listener)
        except OSError:  # no file left, or no memory, and no reason to end
            if not self._end_oldest():
                time.sleep(_NO_ROOM_S)

    def enqueue_req(self, conn: TConn) -> None:
        """Give a request to a thread if its head is here, else wait for that."""
        conn.init()
        heard = unreader(conn).buf.getvalue()
        if heads.is_whole(heard):
            self._give(conn)
            return
        self._watch(conn, self._take)
        self._be_slow(conn) if heard else self._be_silent(conn)

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Wait for a connection's next request, or for its leave."""
        if not fs.cancelled() and fs.exception() is None and fs.result():
            self.enqueue_req(conn)
        else:
            self._see_off(conn)

    def _give(self, conn: TConn) -> None:
        """Give a request to a thread; where the system has none left, its client is dropped."""
        try:
            super().enqueue_req(conn)
        except RuntimeError:  # the next thread finds it in the queue all the same
            self._close(conn)

    def _watch(self, conn: TConn, take: Callable[[TConn, bytes], None]) -> None:
        conn.sock.settimeout(0)
        receive = functools.partial(self._receive, conn, take)
        self.poller.register(conn.sock, selectors.EVENT_READ, receive)

    def _receive(
        self, conn: TConn, take: Callable[[TConn, bytes], None], client: socket.socket
    ) -> None:
        if client.fileno() < 0:  # ended a moment ago, in favour of another
            return
        try:
            more = client.recv(_AT_ONCE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if more:
            take(conn, more)
        else:
            self._end(conn)

    def _take(self, conn: TConn, more: bytes) -> None:
        """Go by what a connection has sent of its request."""
        heard = unreader(conn)
        before = heard.take_buffered()
        if not before and self.alive and self._answered(conn.sock, more):
            self.keepalived_conns.remove(conn)
            self._be_silent(conn)
            return
        request = before + more
        heard.unread(request)
        if heads.is_whole(request):
            self._forget(conn)
            self._give(conn)
        elif len(request) > heads.HEAD_BYTES:
            self._forget(conn)
            with contextlib.suppress(OSError):
                conn.sock.send(refusals.answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
            self._see_off(conn)
        elif not before:
            self.keepalived_conns.remove(conn)
            self._be_slow(conn)

    def _answered(self, client: socket.socket, request: bytes) -> bool:
        """Answer at once, if that can be."""
        answer = self.at_once(request)
        if answer is None:
            return False
        try:
            taken = client.send(answer)
        except OSError:
            taken = 0
        if taken < len(answer):  # whoever reads nothing gets nothing more
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        return True

    def _see_off(self, conn: TConn) -> None:
        """Wait for the leave of a connection that gets no more answers.

        Closed at once with something unread, it would lose the last answer on its way.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # it has gone already
            self._close(conn)
        else:
            self._watch(conn, lambda _conn, _rest: None)
            self._be_slow(conn)

    def _be_silent(self, conn: TConn) -> None:
        conn.set_timeout()
        self.keepalived_conns.append(conn)

    def _be_slow(self, conn: TConn) -> None:
        conn.timeout = time.monotonic() + self.slow_s
        self.pending_conns.append(conn)

    def _end_oldest(self) -> bool:
        """End one that is slow, else one that is silent; those that threads have go on."""
        conns = self.pending_conns or self.keepalived_conns
        if conns:
            self._end(conns[0])
        return bool(conns)

    def _end(self, conn: TConn) -> None:
        self._forget(conn)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: TConn) -> None:
        """Watch a connection no more."""
        self.poller.unregister(conn.sock)
        conns = self.pending_conns if conn in self.pending_conns else self.keepalived_conns
        conns.remove(conn)
