"""activity.json: a TinyDB database that is replaced whole, so that it is never half written.

TinyDB's own storage writes in place, and a kill tears the file. Here its tables live in memory;
`commit` writes them beside the file, makes sure they are on the disk, and renames. Any program may
read the file at any moment. Only one process may write it, the one that holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from tinydb import TinyDB
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from sidecar.record import tables
from sidecar.record.atomic import replace
from sidecar.record.counts import HostCount
from sidecar.record.tables import Tables
from waitroom.errors import WaitroomError
from waitroom.record.rows import Row

log = logging.getLogger(__name__)

_encode = msgspec.json.encode
_ALWAYS = ("hosts", "events", "hours", "positions")  # also if empty, for whoever reads the file


class Store:
    """The tables of activity.json."""

    def __init__(self, folder: Path) -> None:
        """Open it. Raises: WaitroomError when another process has it, or it can't be read."""
        self.path = folder / "activity.json"
        self._previous = folder / "activity.json.previous"
        self._lock = _lock(folder / "activity.lock")
        self.damaged = False
        try:
            self._tables = self._load()
        except OSError as error:
            os.close(self._lock)
            raise WaitroomError(f"{self.path}: can't be read: {error.strerror}") from error
        self.fresh = not self._tables
        for name in _ALWAYS:
            self._tables.setdefault(name, {})
        self._database = TinyDB(storage=MemoryStorage)
        self._database.storage.write(self._tables)  # TinyDB changes what it was given
        try:
            self.last_event = max(map(int, self._tables["events"]), default=0)
        except ValueError as error:
            os.close(self._lock)
            raise WaitroomError(f"{self.path}: table events is not ours: {error}") from error
        self._row_ids: dict[tuple[str, str], str] = {}
        self._last_row = 0

    def put_hosts(self, counts: Iterable[HostCount]) -> None:
        """Put all hosts there; the order of those that are known stays, and so do their ids."""
        numbered = enumerate(counts, 1)
        # As they are: to encode 10,000 costs less than to find out which have changed.
        self._tables["hosts"] = {str(number): count for number, count in numbered}

    def add_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Add events; their ids ascend, and none is given twice."""
        table = self._tables["events"]
        for event in events:
            self.last_event += 1
            # None changes any more, so each is encoded once; as an object it takes far more memory.
            table[str(self.last_event)] = Raw(_encode(event))

    def numbered_events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Return all events with their ids."""
        return ((int(n), tables.document(event)) for n, event in self._tables["events"].items())

    def drop_events(self, numbers: Iterable[int]) -> None:
        """Drop events."""
        for number in numbers:
            del self._tables["events"][str(number)]

    def take_rows(self) -> list[Any]:
        """Return the documents of the hours; from now on they are what `put_rows` puts there."""
        documents = list(self._tables["hours"].values())
        self._tables["hours"] = {}
        return documents

    def put_rows(self, rows: Iterable[Row]) -> None:
        """Insert rows, or replace those of the same host and day."""
        for row in rows:
            number = self._row_ids.get(row.key)
            if number is None:
                self._last_row += 1
                number = self._row_ids[row.key] = str(self._last_row)
            # Most don't change from commit to commit, so each is encoded once.
            self._tables["hours"][number] = Raw(_encode(row))

    def drop_rows(self, rows: Iterable[Row]) -> None:
        """Drop the rows of these hosts and days, where there are such."""
        for row in rows:
            number = self._row_ids.pop(row.key, None)
            if number is not None:
                del self._tables["hours"][number]

    def replace(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """Replace all documents of a small table."""
        table = self._database.table(name)
        table.truncate()
        table.insert_multiple(Document(doc, number) for number, doc in enumerate(documents, 1))

    def documents(self, name: str) -> Iterable[Mapping[str, Any]]:
        """Return the documents of a table."""
        if name == "events":
            return (event for _, event in self.numbered_events())
        return self._database.table(name)

    def only(self, name: str) -> dict[str, Any] | None:
        """Return the one document of a table; None if it has none."""
        return next(iter(self._tables.get(name, {}).values()), None)

    def commit(self) -> None:
        """Replace the file by what the tables are now. Raises: OSError, with the old file there."""
        replace(self.path, tables.encoded(self._tables), self._keep_previous)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def _keep_previous(self) -> None:
        """Keep the file that is replaced, against damage; it costs no copy."""
        link = self._previous.with_suffix(".previous.tmp")
        with contextlib.suppress(OSError):  # nothing to keep yet, or no hard links here
            link.unlink(missing_ok=True)
            os.link(self.path, link)
            link.replace(self._previous)

    def _load(self) -> Tables:
        found = tables.read(self.path)
        if found:
            return found
        # Where there is no file a process may have been killed that had put a damaged one aside.
        before = tables.read(self._previous) or {}
        self.damaged = found is None or bool(before)
        if self.damaged:
            log.error(
                "%s is %s; %s", self.path,
                "gone" if found is not None else f"damaged and kept as {self._put_aside()}",
                "the one before it is used" if before else "counting begins anew from the logs",
            )  # fmt: skip
        return before

    def _put_aside(self) -> str:
        aside = self.path.with_name(f"activity.json.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        return self.path.rename(aside).name


def _lock(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise WaitroomError(f"{path}: can't be written: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise WaitroomError(
            f"{path.parent}: another sidecar records here already; only one may"
        ) from error
    return handle
