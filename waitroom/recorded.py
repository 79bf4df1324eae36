"""What activity.json says of each host's use, read beside the sidecar that writes it.

The file is replaced whole, so no lock is needed. It is read again only when it is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from waitroom.hosts import Host
from waitroom.idle import Use, latest
from waitroom.signs import Signs, moment

_BEAT_S = 30.0  # what the health check of the compose stack allows
_Event = Mapping[str, Any]


class _File(Struct):
    hosts: dict[str, dict[str, Any]] = {}
    events: dict[str, dict[str, Any]] = {}


class Recorded:
    """The records of a data folder; nothing is known where there are none. Threads: any."""

    def __init__(self, data: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = data / "activity.json"
        self._alive = data / "sidecar.alive"
        self._now = now
        self._read: tuple[tuple[int, int] | None, _File, Signs] = (None, _File(), Signs())

    def use(self, host: Host) -> Use | None:
        """Return what is recorded of a host's use; None if nobody watches."""
        watched_since = self._watched_since()
        if watched_since is None:
            return None
        _, file, signs = self._now_read()
        counts = (row for row in file.hosts.values() if row.get("host") == host.name)
        used = moment(next(counts, {}).get("last_activity"))
        now = self._now()
        return Use(
            last_used=signs.last_used(used.timestamp() if used else 0.0, now),
            last_woken=signs.last_woken(host.name),
            started_at=None,  # only its provider knows
            watched_since=watched_since,
            kept_until=latest(host.awake.until(now), signs.kept_until(host.name)),
            wish=signs.wish(host.name),
        )

    def since(self, host: Host, at: datetime) -> list[_Event]:
        """Return the events of a host from that moment on."""
        events = self._now_read()[1].events.values()
        return [
            event
            for event in events
            if event.get("host") == host.name and (moment(event.get("at")) or at) >= at
        ]

    def is_watched(self) -> bool:
        """Whether a sidecar has given a sign of life just now."""
        try:
            return self._now().timestamp() - self._alive.stat().st_mtime < _BEAT_S
        except OSError:
            return False

    def _watched_since(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self._alive.read_text("ascii"))
        except (OSError, ValueError):
            return None

    def _now_read(self) -> tuple[tuple[int, int] | None, _File, Signs]:
        stamp = self._stamp()
        if self._read[0] != stamp or stamp is None:
            file = self._load()
            signs = Signs()
            for event in file.events.values():
                signs.add(event, self._now())
            self._read = (stamp, file, signs)
        return self._read

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns

    def _load(self) -> _File:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _File()
