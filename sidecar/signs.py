"""The signs of use that stand in the events: wakes, what an operator keeps awake, and doubts.

A doubt is a moment of which something may be missing.

Pure. The recorder keeps them while it runs, and `explain` makes them anew from activity.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

_WAKES = frozenset({"wake_requested", "woken", "found_running"})
_DOUBTS = frozenset({"log_gap", "clock_step"})
_NEVER = datetime.fromtimestamp(0, UTC)


class Signs:
    """What the idle question asks the events for."""

    def __init__(self) -> None:
        self._doubt = _NEVER  # every host counts as active then
        self._woken: dict[str, datetime] = {}
        self._kept: dict[str, datetime] = {}  # until when

    def add(self, event: Mapping[str, object], now: datetime) -> None:
        """Take in an event; what is none is passed over."""
        at, host, kind = moment(event.get("at")), event.get("host"), event.get("kind")
        if at is None or not isinstance(host, str):
            return
        at = min(at, now)
        if kind in _DOUBTS:
            self._doubt = max(at, self._doubt)
        elif kind in _WAKES:
            self._woken[host] = max(at, self._woken.get(host, at))
        elif kind == "kept" and (until := moment(event.get("until"))):
            self._kept[host] = until
        elif kind == "released":
            self._kept.pop(host, None)

    def last_used(self, last_activity: float, now: datetime) -> datetime | None:
        """Return when a host was last used, or may have been. `last_activity`: POSIX seconds."""
        used = datetime.fromtimestamp(last_activity, UTC)
        latest = min(max(used, self._doubt), now)
        return None if latest == _NEVER else latest

    def last_woken(self, host: str) -> datetime | None:
        """Return when a host was last woken, or found running."""
        return self._woken.get(host)

    def kept_until(self, host: str) -> datetime | None:
        """Return until when an operator keeps a host awake, or kept it."""
        return self._kept.get(host)


def moment(text: object) -> datetime | None:
    """Read a time of an event; None if it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
