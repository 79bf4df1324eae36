"""gunicorn's worker with threads, and a way past them for those who wait.

Thousands poll. What is kept for them (see `kept`) is sent from the loop that sees their request
come in: no thread, no parser, no application. All else goes the usual way, but for one thing: a
new connection waits in that loop, too, until it says something, and holds no thread meanwhile.

This stands on what gunicorn's worker is like inside, so requirements.txt names its version.
"""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
from collections import deque

from gunicorn.workers.gthread import TConn, ThreadWorker

_HEAD_BYTES = 8192


class Worker(ThreadWorker):
    """One process: its loop, and its threads.

    Its application has `at_once(port, request)`, which returns the answer to what came in on a
    port if that is known already, or None.
    """

    def enqueue_req(self, conn: TConn) -> None:
        """Give a request to a thread; a new connection first has to bring one."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.set_timeout()
        self.pending_conns.append(conn)
        readable = functools.partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Take what came in first on a connection."""
        if not self._answered(conn, client, self.pending_conns):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Take what came in later."""
        if not self._answered(conn, client, self.keepalived_conns):
            super().on_client_socket_readable(conn, client)

    def _answered(self, conn: TConn, client: socket.socket, among: deque[TConn]) -> bool:
        """Answer at once, if that can be."""
        if not self.alive or not self._sent(client):
            return False
        conn.set_timeout()
        among.remove(conn)  # the left one is closed first when it says nothing for long
        among.append(conn)
        return True

    def _sent(self, client: socket.socket) -> bool:
        with contextlib.suppress(OSError):  # a thread will see it, too
            request = client.recv(_HEAD_BYTES, socket.MSG_PEEK)
            port = client.getsockname()[1]
            answer: bytes | None = self.wsgi.at_once(port, request)  # type: ignore[attr-defined] # ours has it
            if answer is None:
                return False
            client.recv(len(request))
            if client.send(answer) < len(answer):  # whoever reads nothing gets nothing more
                client.shutdown(socket.SHUT_RDWR)
            return True
        return False
