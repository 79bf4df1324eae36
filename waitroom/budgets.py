"""Budgets: how much waking is paid for, whoever asks and however well he asks.

A wake costs money, and no gate keeps out everyone who is ready to pay its price. So there is a
bound on what can be spent in any 24 hours. Pure: fed with the journal's events, oldest first, it
knows what was granted; so a restart, however it came, resets nothing.

Each wake's event says since when the host had been asleep (`asleep_since`). From that and the time
of the wake before follows how long it was awake.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from waitroom.hosts import Budget, TotalBudget
from waitroom.view import Refusal, Refused

_DAY = timedelta(days=1)
_INSTANT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A wake that somebody asks for."""

    host: str
    visitor: str  # pseudonym
    proven: bool  # False: he has done nothing for it but wait
    asleep_since: datetime | None  # None: not known


@dataclass(frozen=True, slots=True)
class _Granted:
    at: datetime
    wish: Wish


class Ledger:
    """What was granted in the last 24 hours; the caller sees to it that one asks at a time."""

    def __init__(self) -> None:
        self._granted: deque[_Granted] = deque()
        # The last wake of each host, however long ago: it may be awake since then.
        self._last: dict[str, datetime] = {}
        self._spans: dict[str, deque[tuple[datetime, datetime]]] = {}  # awake from, until

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the journal; wakes are all that matters."""
        if event["kind"] == "wake_requested":
            self.grant(
                Wish(
                    host=event["host"],
                    visitor=str(event.get("visitor")),
                    proven=event.get("proven") is not False,
                    asleep_since=_moment(event.get("asleep_since")),
                ),
                datetime.fromisoformat(event["at"]),
            )

    def grant(self, wish: Wish, at: datetime) -> None:
        """Write down a wake."""
        before = self._last.get(wish.host)
        if before is not None:
            self._spans.setdefault(wish.host, deque()).append((before, wish.asleep_since or at))
        self._last[wish.host] = at
        self._granted.append(_Granted(at, wish))
        self._forget(at)

    def refusal(
        self, wish: Wish, budget: Budget, total: TotalBudget, now: datetime, under_way: int
    ) -> Refused | None:
        """Return why this wake is not to be had now, and from when on it is; None: it is.

        `under_way`: how many wakes of all hosts are.
        """
        opens = list(self._opens(wish, budget, total, now))
        if opens:
            return Refused(Refusal.SPENT, max(opens))
        if under_way >= total.wakes_at_once:
            return Refused(Refusal.SPENT)
        return None

    def _opens(
        self, wish: Wish, budget: Budget, total: TotalBudget, now: datetime
    ) -> Iterator[datetime]:
        """For each budget that is spent, when there is something in it again."""
        day = [granted for granted in self._granted if granted.at > now - _DAY]
        host = [granted for granted in day if granted.wish.host == wish.host]
        yield from _free(day, total.wakes_per_day)
        yield from _free(host, budget.wakes_per_day)
        yield from _free(
            [g for g in host if g.wish.visitor == wish.visitor], budget.wakes_per_visitor
        )
        if not wish.proven:
            yield from _free([g for g in host if not g.wish.proven], budget.unproven_per_day)
        if budget.pause and host and host[-1].at + budget.pause > now:
            yield host[-1].at + budget.pause
        if budget.awake_per_day:
            yield from self._rested(wish, budget.awake_per_day, now)

    def _rested(self, wish: Wish, allowed: timedelta, now: datetime) -> Iterator[datetime]:
        """When the time awake of the last 24 hours falls below what is allowed, if it is not."""
        spans = list(self._spans.get(wish.host, ()))
        if wish.host in self._last:
            spans.append((self._last[wish.host], wish.asleep_since or now))
        cut = [(max(begin, now - _DAY), end) for begin, end in spans if end > now - _DAY]
        excess = sum((end - begin for begin, end in cut), timedelta()) - allowed
        if excess < timedelta():
            return
        for begin, end in cut:  # the oldest leaves the 24 hours first
            if end - begin > excess:
                yield begin + excess + _DAY + _INSTANT
                return
            excess -= end - begin

    def _forget(self, now: datetime) -> None:
        while self._granted and self._granted[0].at <= now - _DAY:
            self._granted.popleft()
        for spans in self._spans.values():
            while spans and spans[0][1] <= now - _DAY:
                spans.popleft()


def _free(granted: list[_Granted], most: int) -> Iterator[datetime]:
    """When one of these is a day old, if there are as many as there may be."""
    if len(granted) >= most:
        # More than the most there may be after an edit of hosts.yaml.
        yield granted[len(granted) - most].at + _DAY if most else granted[-1].at + _DAY


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
