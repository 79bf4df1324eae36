"""Knowing when to read, apart from reading: events make it prompt, the clock makes it certain.

A watch costs the writer and us a little for every line, so it is there while the log is quiet;
while lines pour in, a look every 200 ms is cheaper and loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import watchfiles

log = logging.getLogger(__name__)

# Events get lost (a folder made anew, a full queue), so a look comes at least this often.
_AT_LEAST_S = 1.0
_BUSY_PAUSE_S = 0.2
_BUSY_EVENTS = 10  # more than so many within a second, and watching is not worth it
_BUSY_LOOKS = 4  # so many in a row that found something new, and it still is not
_STEP_MS = 10


class Looks:
    """Waits until there may be something new in the files."""

    def __init__(self, files: Sequence[Path], ended: threading.Event) -> None:
        self._files = files
        self._names = tuple(file.name for file in files)
        self._ended = ended
        self._watch: Iterator[object] | None = None
        self._second = 0
        self._events = 0
        self._busy_until = 0.0
        self._seen: list[tuple[int, int] | None] = []  # the files at the last look
        self._news = 0  # looks in a row that found them changed

    def is_busy(self) -> bool:
        """Whether lines pour in, so that to do things for each look is not worth it."""
        return time.monotonic() < self._busy_until

    def wait(self) -> None:
        """Return when there may be something to read, at the latest after a second."""
        if self.is_busy():
            self._ended.wait(_BUSY_PAUSE_S)
            self._stay_busy()
            return
        if self._watch is None:
            self._watch = self._open()
            return  # what came before the watch stood has caused no event: look now
        try:
            changes = next(self._watch)
        except (StopIteration, OSError, RuntimeError, UnicodeError) as error:
            # A missing folder, a file name that is no text: the clock goes on without a watch.
            log.debug("watching again: %r", error)
            self._watch = None
            self._ended.wait(_AT_LEAST_S)
        else:
            if changes:
                self._count()

    def _count(self) -> None:
        second = int(time.monotonic())
        self._events = self._events + 1 if second == self._second else 1
        self._second = second
        if self._events > _BUSY_EVENTS:
            self._watch = None
            self._news = 0
            self._busy_until = time.monotonic() + _AT_LEAST_S

    def _stay_busy(self) -> None:
        """Go on without a watch while nearly every look finds something new."""
        seen = [_state(file) for file in self._files]
        self._news = self._news + 1 if seen != self._seen else 0
        self._seen = seen
        if self._news >= _BUSY_LOOKS:
            self._busy_until = time.monotonic() + _AT_LEAST_S

    def _open(self) -> Iterator[object]:
        # The folders, not the files: a rotated file is replaced, and its watch would go with it.
        return watchfiles.watch(
            *{file.parent for file in self._files},
            watch_filter=self._concerns,
            recursive=False,
            stop_event=self._ended,
            yield_on_timeout=True,
            rust_timeout=int(_AT_LEAST_S * 1000),
            step=_STEP_MS,
            debounce=_STEP_MS,
            raise_interrupt=False,
        )

    def _concerns(self, _change: watchfiles.Change, path: str) -> bool:
        """Whether a changed file is one of ours: activity.json lies beside them and is not."""
        return Path(path).name.startswith(self._names)


def _state(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size
