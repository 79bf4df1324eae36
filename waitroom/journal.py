"""The journal: one JSON line for everything the waiting room does, written before it is done.

The sidecar tails this file and records its lines as events; the waiting room reads it once, when
it starts, to take up what was under way. It only ever appends; a long one is put aside as
journal.jsonl.1 once the one before it is too old to be asked for, so that both stay small.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from waitroom.errors import WaitroomError
from waitroom.kinds import Kind

log = logging.getLogger(__name__)

_TRIED_EVERY_S = 1.0
_LONG_BYTES = 8 << 20  # some 10,000 wakes: read in a tenth of a second
_ASKED_FOR_S = 2 * 86400.0  # budgets look back 24 hours; twice that, since clocks are set
_NO_EVENT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class JournalError(WaitroomError):
    """The journal can't be read or written, so nothing may be started (fail closed)."""


class Journal:
    """Appends events; safe to use from several threads."""

    def __init__(
        self,
        path: Path,
        on_event: Callable[[Mapping[str, Any]], None] = lambda _: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_event`: told of each event that was written."""
        self.path = path
        self._older = path.with_name(f"{path.name}.1")
        self._on_event = on_event
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._torn = True  # what an earlier process left may end in half a line
        self._fault: str | None = None  # why the last line could not be written, if so
        self._tried_s = 0.0  # when it was tried last, by the clock

    def append(self, kind: Kind, host: str, **fields: object) -> datetime:
        """Write one event to the disk and return its time. Raises: JournalError."""
        at = datetime.now(UTC)
        event = {"at": at, "host": host, "kind": kind, **fields}
        line = msgspec.json.encode(event) + b"\n"
        with self._lock:
            self._try(line)
        self._on_event(event)
        return at

    def demand(self) -> None:
        """Be sure that nothing is known to be in the way of the next line. Raises: JournalError.

        What was in the way of the last one is tried anew, once a second at most.
        """
        with self._lock:
            if self._fault and self._clock_s() - self._tried_s < _TRIED_EVERY_S:
                raise JournalError(self._fault)
            if self._fault:
                self._try(b"\n")

    def _try(self, line: bytes) -> None:
        self._tried_s = self._clock_s()
        try:
            self._write(line)
        except OSError as error:
            self._fault = f"{self.path}: can't be written: {error.strerror}"
            raise JournalError(self._fault) from error
        self._fault = None

    def _write(self, line: bytes) -> None:
        if not self._torn:  # else the line belongs behind the half one
            self._rotate()
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

    def _rotate(self) -> None:
        # Who can't do that has a long journal, which is no reason to refuse a wake.
        with contextlib.suppress(OSError):
            if self.path.stat().st_size >= _LONG_BYTES and not _is_asked_for(self._older):
                self.path.rename(self._older)

    def events(self) -> Iterator[dict[str, Any]]:
        """Read all events there are, oldest first; lines that are none are passed over.

        Raises: JournalError.
        """
        for path in (self._older, self.path):
            try:
                yield from _read(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise JournalError(f"{path}: can't be read: {error.strerror}") from error


def _is_asked_for(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _ASKED_FOR_S
    except FileNotFoundError:
        return False


def _read(path: Path) -> Iterator[dict[str, Any]]:
    passed_over = 0
    with path.open("rb") as file:
        for line in filter(bytes.strip, file):
            try:
                yield _event(line)
            except _NO_EVENT:
                passed_over += 1
    if passed_over:
        log.warning("%s: %d lines are not events and were skipped", path, passed_over)


def _event(line: bytes) -> dict[str, Any]:
    """Decode a line. Raises: ValueError and the decoder's own."""
    event = msgspec.json.decode(line, type=dict[str, Any])
    if not all(isinstance(event.get(key), str) for key in ("at", "host", "kind")):
        raise ValueError("at, host or kind is missing or no text")
    if datetime.fromisoformat(event["at"]).tzinfo is None:
        raise ValueError("at has no time zone")
    return event
