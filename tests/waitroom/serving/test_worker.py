"""The process of both listeners: how it ends."""

from __future__ import annotations

import os
import signal
import socket

from gunicorn.config import Config
from gunicorn.glogging import Logger

from waitroom.serving.worker import Worker


class Loading(Worker):
    """One whose stop is ordered while it loads its applications."""

    def init_signals(self) -> None:
        """Leave those of the tests alone."""

    def load_wsgi(self) -> None:
        self.handle_exit(signal.SIGTERM, None)

    def close(self) -> None:
        """Close gunicorn's files, else for the arbiter."""
        for loop in (self, self._admin):
            loop.tmp.close()


def test_a_stop_that_is_ordered_while_it_loads_is_heeded() -> None:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    config = Config()
    worker = Loading(0, os.getppid(), sockets, None, 30, config, Logger(config))
    worker.init_process()
    worker.close()
    assert not worker.alive
