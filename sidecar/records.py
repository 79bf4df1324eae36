"""What activity.json says, for whoever reads it beside the sidecar that writes it.

The file is replaced whole, so no lock is needed to read it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sidecar.activity import HostCount
from sidecar.positions import Position
from waitroom.errors import WaitroomError
from waitroom.idle import Wish
from waitroom.signs import Signs

_Document = dict[str, Any]
_ATTEMPTS = frozenset({"slept", "sleep_called_off", "stop_failed"})


class Records:
    """The records as they stood at one moment."""

    def __init__(self, data: Path, now: datetime) -> None:
        """Read them. Raises: WaitroomError when there are none, or they are not ours."""
        path = data / "activity.json"
        tables = _tables(path)
        self._now = now
        try:
            self._counts = {doc["host"]: HostCount.load(doc) for doc in tables["hosts"].values()}
            self._positions = msgspec.convert(list(tables["positions"].values()), list[Position])
        except (KeyError, TypeError, ValueError) as error:
            raise WaitroomError(f"{path}: is not ours: {error!r}") from error
        self._events = list(tables["events"].values())
        self._signs = Signs()
        for event in self._events:
            self._signs.add(event, now)

    def last_used(self, host: str) -> datetime | None:
        """Return the end of the newest activity, or the moment of a gap in the log if later."""
        count = self._counts.get(host)
        return self._signs.last_used(count.last_activity if count else 0.0, self._now)

    def last_woken(self, host: str) -> datetime | None:
        """Return when the host was last woken, or found running."""
        return self._signs.last_woken(host)

    def kept_until(self, host: str) -> datetime | None:
        """Return until when an operator keeps the host awake."""
        return self._signs.kept_until(host)

    def wish(self, host: str) -> Wish | None:
        """Return an operator's wish that the host sleeps, unless it was answered."""
        return self._signs.wish(host)

    def last_attempt(self, host: str) -> _Document | None:
        """Return the event of the last try to put it to sleep."""
        attempts = [
            event
            for event in self._events
            if event.get("host") == host and event.get("kind") in _ATTEMPTS
        ]
        return attempts[-1] if attempts else None

    def offset(self, device: int, inode: int) -> int | None:
        """Return how many bytes of this very file were read; None if it is not known."""
        offsets = [
            position.offset
            for position in self._positions
            if (position.device, position.inode) == (device, inode)
        ]
        return offsets[-1] if offsets else None


def _tables(path: Path) -> dict[str, dict[str, _Document]]:
    try:
        tables = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, _Document]])
    except FileNotFoundError:
        raise WaitroomError(
            f"{path}: nothing is recorded yet; does the sidecar run with this WAITROOM_DATA?"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WaitroomError(f"{path}: is not ours: {error}") from error
    return {"hosts": {}, "events": {}, "positions": {}, **tables}
