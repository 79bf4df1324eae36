"""Replacing a file as a whole, so that it is never seen or left half written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, data: bytes, before: Callable[[], None] = lambda: None) -> None:
    """Put data in place of a file, and on the disk; `before` runs just before the old one goes.

    Raises: OSError that names it, with the old file there.
    """
    try:
        _replace(path, data, before)
    except OSError as error:  # that of a full disk names none
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error


def _replace(path: Path, data: bytes, before: Callable[[], None]) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    before()
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
