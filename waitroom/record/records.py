"""What activity.json says at one moment, for whoever reads it beside the sidecar that writes it.

The file is replaced whole, so no lock is needed to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from waitroom.errors import WaitroomError
from waitroom.heartbeat import Heartbeat
from waitroom.idle import Use, latest
from waitroom.kinds import Kind
from waitroom.record.occurrence import is_event
from waitroom.registry.hosts import Host
from waitroom.signs import Signs, moment
from waitroom.stamps import Stamp, stamp

_ATTEMPTS = frozenset({Kind.SLEPT, Kind.SLEEP_CALLED_OFF, Kind.STOP_FAILED})
Event = Mapping[str, Any]


class _Count(Struct):
    host: str
    last_activity: Annotated[datetime, Meta(tz=True)] | None = None


class _Position(Struct):
    device: int
    inode: int
    offset: int  # bytes


class _File(Struct):
    hosts: dict[str, _Count] = {}
    events: dict[str, dict[str, Any]] = {}
    positions: dict[str, _Position] = {}


class Records:
    """The records of one reading; without a file, none."""

    def __init__(self, file: _File | None = None, now: datetime | None = None) -> None:
        file = file or _File()
        self._counts = {count.host: count for count in file.hosts.values()}
        self._positions = file.positions
        self._events = tuple(event for event in file.events.values() if is_event(event))
        self._signs = Signs()
        self._attempts: dict[object, Event] = {}
        for event in self._events:
            self._signs.add(event, now or datetime.now(UTC))
            if event.get("kind") in _ATTEMPTS:
                self._attempts[event.get("host")] = event

    def use(self, host: Host, watched_since: datetime, now: datetime) -> Use:
        """Return what is recorded of a host's use; when it started only its provider knows."""
        count, signs = self._counts.get(host.name), self._signs
        return Use(
            last_used=signs.last_used(count.last_activity if count else None, now),
            last_woken=signs.last_woken(host.name),
            started_at=None,
            watched_since=watched_since,
            kept_until=latest(host.awake_until(now), signs.kept_until(host.name)),
            wish=signs.wish(host.name),
        )

    def since(self, host: Host, at: datetime) -> list[Event]:
        """Return the events of a host from that moment on."""
        return [
            event
            for event in self._events
            if event.get("host") == host.name and (moment(event.get("at")) or at) >= at
        ]

    def last_attempt(self, host: str) -> Event | None:
        """Return the event of the last try to put it to sleep."""
        return self._attempts.get(host)

    def offset(self, device: int, inode: int) -> int | None:
        """Return how many bytes of this very file were read; None if it is not known."""
        offsets = [
            position.offset
            for position in self._positions.values()
            if (position.device, position.inode) == (device, inode)
        ]
        return offsets[-1] if offsets else None


class Latest:
    """The newest records, read again only when the file is another one. Threads: any.

    Where there is none yet, nothing is recorded.
    """

    def __init__(self, data: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._data = data
        self._heartbeat = Heartbeat(data)
        self._now = now
        self._read: tuple[Stamp | None, Records | None] = (None, Records())

    def records(self) -> Records:
        """Return them."""
        return self._latest() or Records()

    def use(self, host: Host) -> Use | None:
        """Return what is recorded of a host's use; None if nobody watches, or it can't be read."""
        watched_since, records = self._heartbeat.since(), self._latest()
        if watched_since is None or records is None:
            return None
        return records.use(host, watched_since, self._now())

    def _latest(self) -> Records | None:
        """Return them; None where there is a file that can't be read."""
        seen, (known, records) = stamp(self._data / "activity.json"), self._read
        if seen is None or seen != known:
            try:
                records = read(self._data, self._now())
            except WaitroomError:
                records = None if seen else Records()
            self._read = seen, records
        return records

    def is_watched(self) -> bool:
        """Whether a sidecar has given a sign of life just now."""
        return self._heartbeat.is_fresh(self._now())


def read(data: Path, now: datetime) -> Records:
    """Read activity.json. Raises: WaitroomError when there is none, or it is not ours."""
    path = data / "activity.json"
    try:
        return Records(msgspec.json.decode(path.read_bytes(), type=_File), now)
    except FileNotFoundError:
        raise WaitroomError(
            f"{path}: nothing is recorded yet; does the sidecar run with this WAITROOM_DATA?"
        ) from None
    except OSError as error:
        raise WaitroomError(f"{path}: can't be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WaitroomError(f"{path}: is not ours: {error}") from error
