"""The signs of use that stand in the events: wakes, what an operator keeps awake, and doubts.

A doubt is a moment of which something may be missing. An operator's wish that a host sleeps is the
opposite of a sign of use; it stands until its first answer.

Pure. The recorder keeps them while it runs; who reads activity.json makes them anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from waitroom.idle import Wish
from waitroom.kinds import Kind

_WAKES = frozenset({Kind.WAKE_REQUESTED, Kind.WOKEN, Kind.FOUND_RUNNING})
DOUBTS = frozenset({Kind.LOG_GAP, Kind.CLOCK_STEP})
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An operator's wish that a host stays awake."""

    at: datetime  # of the order
    until: datetime

    def as_of(self, latest: datetime) -> _Kept:
        """Return it as if by a clock that was right: it lasts as long, and was ordered by then."""
        ahead = max(self.at - latest, timedelta())
        return _Kept(self.at - ahead, self.until - ahead)


class Signs:
    """What the idle question asks the events for."""

    def __init__(self) -> None:
        self._doubt = _NEVER  # every host counts as active then
        self._woken: dict[str, datetime] = {}
        self._kept: dict[str, _Kept] = {}
        self._wishes: dict[str, Wish] = {}  # not answered yet

    def add(self, event: Mapping[str, object], now: datetime) -> None:
        """Take in an event; what is none is passed over."""
        said, host, kind = moment(event.get("at")), event.get("host"), event.get("kind")
        if said is None or not isinstance(host, str):
            return
        at = min(said, now)
        if kind == Kind.CLOCK_STEP:
            self._turn_back(at)
        if kind in DOUBTS:
            self._doubt = max(at, self._doubt)
        elif kind in _WAKES:
            self._woken[host] = max(at, self._woken.get(host, at))
        elif kind == Kind.KEPT and (until := moment(event.get("until"))):
            self._kept[host] = _Kept(said, until).as_of(now)
            self._wishes.pop(host, None)
        elif kind == Kind.RELEASED:
            self._kept.pop(host, None)
        elif kind == Kind.SLEEP_REQUESTED:
            self._wishes[host] = Wish(at, str(event.get("by")), event.get("force") is True)
        elif (wish := self._wishes.get(host)) and answers(event, wish):
            del self._wishes[host]

    def _turn_back(self, at: datetime) -> None:
        """Take what came by a clock that was ahead to be of the moment in which it was set back."""
        self._doubt = min(self._doubt, at)
        self._woken = {host: min(woken, at) for host, woken in self._woken.items()}
        self._kept = {host: kept.as_of(at) for host, kept in self._kept.items()}
        self._wishes = {host: replace(w, at=min(w.at, at)) for host, w in self._wishes.items()}

    def last_used(self, last_activity: datetime | None, now: datetime) -> datetime | None:
        """Return when a host was last used, or may have been."""
        latest = min(max(last_activity or _NEVER, self._doubt), now)
        return None if latest == _NEVER else latest

    def last_woken(self, host: str) -> datetime | None:
        """Return when a host was last woken, or found running."""
        return self._woken.get(host)

    def kept_until(self, host: str) -> datetime | None:
        """Return until when an operator keeps a host awake, or kept it."""
        kept = self._kept.get(host)
        return kept.until if kept else None

    def wish(self, host: str) -> Wish | None:
        """Return an operator's wish that a host sleeps, unless it was answered."""
        return self._wishes.get(host)


def answers(event: Mapping[str, object], wish: Wish) -> bool:
    """Whether this event of the wish's host is what became of it.

    A stop that failed is tried again, and so is a forced sleep that a visitor called off.
    """
    at, kind = moment(event.get("at")), event.get("kind")
    if at is None or at < wish.at or kind not in (Kind.SLEPT, Kind.SLEEP_CALLED_OFF):
        return False
    return kind == Kind.SLEPT or not (wish.force and event.get("reason") == "visitor")


def moment(text: object) -> datetime | None:
    """Read a time of an event, as UTC; None if it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):  # the first hours of the year 1 are none in UTC
        return None
