"""gunicorn's worker: one process, and in it a loop and threads for each listener.

What it knows is in memory, so there is one process. Both listeners have all of their own, so that
nothing that is sent to one can hold up the other.
"""

from __future__ import annotations

import resource
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication

from gunicorn import util

from waitroom.serving.loop import Loop

# Who waits for something holds a thread: 24 whose bodies are read (`listeners`), 8 whose route
# turns (`public.turns`), 8 who wait in place of work (`public.door`), 4 who rather wait than come
# again (`public.holding`), and for a moment those whose provider hangs or whose app is probed. The
# rest is for all others; an idle thread costs nothing.
_PUBLIC_THREADS, _PUBLIC_CONNECTIONS = 64, 4096
_ADMIN_THREADS, _ADMIN_CONNECTIONS = 16, 256


class Applications(NamedTuple):
    """What gunicorn's application has to load."""

    public: WSGIApplication
    at_once: Callable[[bytes], bytes | None]  # of the public listener, see Loop
    admin: WSGIApplication


class Worker(Loop):
    """The public listener's loop, in the main thread, and the admin listener's beside it."""

    def __init__(self, age: int, ppid: int, sockets: list[socket.socket], *told: Any) -> None:  # noqa: ANN401 - gunicorn's
        """Take what gunicorn tells a worker; `sockets`: of the public and the admin listener."""
        public, admin = sockets
        files = _most_files()  # some are left for the journal, the routes and the providers
        connections = min(_PUBLIC_CONNECTIONS, files // 2)
        of_admin = min(_ADMIN_CONNECTIONS, files // 8)
        super().__init__(
            age, ppid, [public], *told, threads=_PUBLIC_THREADS, connections=connections
        )
        self._admin = Loop(age, ppid, [admin], *told, threads=_ADMIN_THREADS, connections=of_admin)

    def init_process(self) -> None:
        """Prepare both; a stop may be ordered from then on, while the applications load."""
        self._admin.prepare()
        super().init_process()

    def load_wsgi(self) -> None:
        """Load both applications."""
        super().load_wsgi()
        self.wsgi, self.at_once, self._admin.wsgi = self.wsgi  # type: ignore[misc] # Applications

    def run(self) -> None:
        """Serve until SIGTERM."""
        for listener in self._admin.sockets:
            util.close_on_exec(listener)
        threading.Thread(target=self._serve_admin, daemon=True).start()
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End both."""
        self._admin.handle_exit(sig, frame)
        super().handle_exit(sig, frame)

    def _serve_admin(self) -> None:
        try:
            self._admin.run()
        finally:  # none goes on without the other
            super().handle_exit(0, None)


def _most_files() -> int:
    """Return how many files this process may have open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
