"""The journal: one JSON line for everything the waiting room does, written before it is done.

The sidecar tails this file and records its lines as events; the waiting room reads it once, when
it starts, to take up what was under way. It only ever appends.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from waitroom.errors import WaitroomError

log = logging.getLogger(__name__)

_NO_EVENT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class JournalError(WaitroomError):
    """The journal can't be read or written, so nothing may be started (fail closed)."""


class Journal:
    """Appends events; safe to use from several threads."""

    def __init__(
        self, path: Path, on_event: Callable[[Mapping[str, Any]], None] = lambda _: None
    ) -> None:
        """`on_event`: told of each event that was written."""
        self.path = path
        self._on_event = on_event
        self._lock = threading.Lock()
        self._torn = True  # what an earlier process left may end in half a line

    def append(self, kind: str, host: str, **fields: object) -> datetime:
        """Write one event to the disk and return its time. Raises: JournalError."""
        at = datetime.now(UTC)
        event = {"at": at, "host": host, "kind": kind, **fields}
        line = msgspec.json.encode(event) + b"\n"
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            raise JournalError(f"{self.path}: can't be written: {error.strerror}") from error
        self._on_event(event)
        return at

    def _write(self, line: bytes) -> None:
        # Opened each time: a wake is rare, and the file may have been rotated meanwhile.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self.path, flags, 0o640)
        try:
            if self._torn and os.fstat(handle).st_size:
                line = b"\n" + line  # ends a half line; an empty line means nothing
            self._torn = True
            written = os.write(handle, line)
            if written < len(line):
                raise OSError(28, "the disk is full")
            os.fsync(handle)
            self._torn = False
        finally:
            os.close(handle)

    def events(self) -> Iterator[dict[str, Any]]:
        """Read all events there are, oldest first; lines that are none are passed over.

        Raises: JournalError.
        """
        try:
            yield from self._read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"{self.path}: can't be read: {error.strerror}") from error

    def _read(self) -> Iterator[dict[str, Any]]:
        passed_over = 0
        with self.path.open("rb") as file:
            for line in filter(bytes.strip, file):
                try:
                    yield _event(line)
                except _NO_EVENT:
                    passed_over += 1
        if passed_over:
            log.warning("%s: %d lines are no events, passed over", self.path, passed_over)


def _event(line: bytes) -> dict[str, Any]:
    """Decode a line. Raises: ValueError and the decoder's own."""
    event = msgspec.json.decode(line, type=dict[str, Any])
    if not all(isinstance(event.get(key), str) for key in ("at", "host", "kind")):
        raise ValueError("at, host or kind is missing or no text")
    if datetime.fromisoformat(event["at"]).tzinfo is None:
        raise ValueError("at has no time zone")
    return event
