"""What activity.json says of each host's use, read beside the sidecar that writes it.

The file is replaced whole, so no lock is needed. It is read again only when it is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from waitroom.heartbeat import Heartbeat
from waitroom.hosts import Host
from waitroom.idle import Use, latest
from waitroom.signs import Signs, moment

_Event = Mapping[str, Any]


class _File(Struct):
    hosts: dict[str, dict[str, Any]] = {}
    events: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The file as it was read last."""

    stamp: tuple[int, int] | None = None
    rows: Mapping[object, Mapping[str, Any]] = field(default_factory=dict)  # by the host's name
    events: tuple[_Event, ...] = ()
    signs: Signs = field(default_factory=Signs)


class Recorded:
    """The records of a data folder; nothing is known where there are none. Threads: any."""

    def __init__(self, data: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = data / "activity.json"
        self._heartbeat = Heartbeat(data)
        self._now = now
        self._read = _Snapshot()

    def use(self, host: Host) -> Use | None:
        """Return what is recorded of a host's use; None if nobody watches."""
        watched_since = self._heartbeat.since()
        if watched_since is None:
            return None
        snapshot = self._now_read()
        signs = snapshot.signs
        used = moment(snapshot.rows.get(host.name, {}).get("last_activity"))
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
        events = self._now_read().events
        return [
            event
            for event in events
            if event.get("host") == host.name and (moment(event.get("at")) or at) >= at
        ]

    def is_watched(self) -> bool:
        """Whether a sidecar has given a sign of life just now."""
        return self._heartbeat.is_fresh(self._now())

    def _now_read(self) -> _Snapshot:
        stamp = self._stamp()
        if self._read.stamp != stamp or stamp is None:
            file, signs = self._load(), Signs()
            for event in file.events.values():
                signs.add(event, self._now())
            rows = {row.get("host"): row for row in file.hosts.values()}
            self._read = _Snapshot(stamp, rows, tuple(file.events.values()), signs)
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
