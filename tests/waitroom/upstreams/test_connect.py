from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from tests.support import eventually
from tests.waitroom.fakes import a_host, a_vm
from waitroom.errors import UpstreamError
from waitroom.upstreams.connect import Connector


def test_a_docker_engine_that_hangs_keeps_nobody_from_compute_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect = Connector()

    def ask() -> None:
        with contextlib.suppress(UpstreamError):
            connect(a_host()).status()

    with socket.create_server(("127.0.0.1", 0)) as engine:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{engine.getsockname()[1]}")
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        hangs, _ = engine.accept()
        other = threading.Thread(target=connect, args=(a_vm(),), daemon=True)
        other.start()
        eventually(lambda: not other.is_alive())
        hangs.close()
