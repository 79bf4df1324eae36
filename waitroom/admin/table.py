"""What the dashboard's table says of each host, in words.

It asks no provider: pages that look every two seconds may cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from waitroom.admin import phrases
from waitroom.errors import WaitroomError
from waitroom.idle import Use, idle_for, time_left
from waitroom.record.chronicle import Chronicle
from waitroom.record.records import Latest
from waitroom.record.summary import price
from waitroom.registry.hosts import Host
from waitroom.room import Room
from waitroom.view import State

_UNKNOWN = "not known"
_NOT_WATCHED = dict.fromkeys(("idle", "sleeps", "woken", "kept"), _UNKNOWN)
_RUNS = (State.READY, State.WAKING, State.DRAINING)


@dataclass(frozen=True, slots=True)
class Row:
    """What stands in the cells of one host."""

    state: str
    idle: str  # for how long nobody has used it
    sleeps: str  # when it may sleep, if nobody comes
    woken: str  # its last wake
    kept: str  # until when it is kept awake
    left: str  # of its budget
    saved: str  # this month
    tried: str  # what became of the last try to put it to sleep


class Table:
    """The rows of all hosts. Threads: any may ask."""

    def __init__(self, room: Room, recorded: Latest, chronicle: Chronicle) -> None:
        self._room = room
        self._recorded = recorded
        self._chronicle = chronicle

    def rows(self, hosts: Iterable[Host], now: datetime) -> dict[str, dict[str, str]]:
        """Return the cells of each host by its name."""
        try:
            asleep_s: dict[str, float] | None = self._chronicle.asleep_s(f"{now:%Y-%m}")
        except WaitroomError:
            asleep_s = None
        return {host.name: asdict(self._row(host, asleep_s, now)) for host in hosts}

    def fault(self, now: datetime) -> str:
        """Return why this month's sums are not known; "" if they are."""
        try:
            self._chronicle.asleep_s(f"{now:%Y-%m}")
        except WaitroomError as error:
            return str(error)
        return ""

    def _row(self, host: Host, asleep_s: dict[str, float] | None, now: datetime) -> Row:
        state, use = self._room.glance(host.name), self._recorded.use(host)
        return Row(
            state=state,
            **_used(host, use, now, runs=state in _RUNS) if use else _NOT_WATCHED,
            left=self._left(host),
            saved=_UNKNOWN
            if asleep_s is None
            else phrases.money(price(host), asleep_s.get(host.name, 0.0)),
            tried=phrases.attempt(self._recorded.records().last_attempt(host.name)),
        )

    def _left(self, host: Host) -> str:
        try:
            left = self._room.left(host)
        except WaitroomError:
            return _UNKNOWN
        wakes = "1 wake" if left.wakes == 1 else f"{left.wakes} wakes"
        return wakes if left.awake is None else f"{wakes}, {phrases.span(left.awake)} awake"


def _used(host: Host, use: Use, now: datetime, *, runs: bool) -> dict[str, str]:
    left = time_left(use, host.idle_after, now)
    kept = use.kept_until if use.kept_until and use.kept_until > now else None
    sleeps = f"in {phrases.span(left)}" if left else "now"
    return {
        "idle": phrases.span(idle_for(use, now)) if runs else "-",
        "sleeps": sleeps if runs else "-",
        "woken": phrases.at(use.last_woken) if use.last_woken else "never",
        "kept": phrases.at(kept) if kept else "-",
    }
