"""One lock a host, held by whoever starts or stops its upstream.

The sidecar holds it from the moment a host's sleep is decided until its provider has taken the
stop; the waiting room holds it for a whole wake, but not while it waits for a stop that was begun
before. So a start never meets a stop half done, and no stop is tried again under a start. The
kernel releases it when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_S = 0.05


class HostLocks:
    """flock(2) on a small file each; opened anew each time, so that threads exclude each other."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "locks"

    @contextmanager
    def hold(self, name: str, wait_s: float = 0.2) -> Iterator[bool]:
        """Take the lock, trying for up to wait_s seconds; yields whether it is ours.

        The default outlasts a `busy` of somebody else, which shares it for an instant.

        Raises: OSError when the folder can't be used.
        """
        with self._open(name) as handle:
            yield _take(handle, time.monotonic() + wait_s)

    def busy(self, name: str) -> bool:
        """Whether somebody starts or stops this host right now; who asks is not seen by others."""
        if not (self._folder / name).exists():  # and leaves no file where none was
            return False
        with self._open(name) as handle:
            return not _try(handle, fcntl.LOCK_SH)

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)  # which gives the lock back


def _take(handle: int, deadline: float) -> bool:
    while not _try(handle, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
