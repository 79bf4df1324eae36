"""Replacing a file as a whole, so that it is never seen or left half written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def replace(path: Path, parts: Iterable[bytes], before: Callable[[], None] = lambda: None) -> None:
    """Put data in place of a file, and on the disk; `before` runs just before the old one goes.

    Raises: OSError that names it, with the old file there.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        before()
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:  # that of a full disk names none
        with contextlib.suppress(OSError):  # half a file would take the room that others need
            temporary.unlink()
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
