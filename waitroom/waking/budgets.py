"""Budgets: how much waking is paid for, whoever asks and however well he asks.

A wake costs money, and no gate keeps out everyone who is ready to pay its price. So there is a
bound on what can be spent in any 24 hours. Pure: fed with the journal's events, oldest first, it
knows what was granted; so a restart, however it came, resets nothing.

Each wake's event says since when the host had been asleep (`asleep_since`). From that and the time
of the wake before follows how long it was awake.

A clock that was far ahead for a while must not lock a host until that time has come: what is said
to have been more than a day from now counts for nothing.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from waitroom.kinds import Kind
from waitroom.registry.hosts import Host, TotalBudget
from waitroom.signs import moment
from waitroom.view import Refusal, Refused

_DAY = timedelta(days=1)
_INSTANT = timedelta(seconds=1)


class Proof(enum.StrEnum):
    """What somebody who asks for a wake has to show for it."""

    TRUST = "trust"  # he may
    WORK = "work"  # his computer's time
    CHESS = "chess"
    WAIT = "wait"  # nothing but patience
    SCHEDULE = "schedule"  # it is no visitor, but hosts.yaml: no budget binds it
    ORDER = "order"  # nor an operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What somebody who asks for a wake puts forward."""

    visitor: str  # pseudonym
    proof: Proof
    by: str | None = None  # the operator's name, if it is one


class NotGranted(Exception):  # noqa: N818 - what is the matter, as everywhere
    """No wake is to be had now; the caller says so and when it is again."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.why)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Left:
    """What one host has left of its budget, and of all hosts' together."""

    wakes: int
    awake: timedelta | None  # None: no bound


@dataclass(frozen=True, slots=True)
class _Granted:
    at: datetime
    host: str
    claim: Claim


class Budgets:
    """What was granted in the last 24 hours; the caller sees to it that one asks at a time."""

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        """Begin with what the journal says; wakes are all that matters of it."""
        self._granted: deque[_Granted] = deque()
        # The last wake of each host, however long ago: it may be awake since then.
        self._last: dict[str, datetime] = {}
        self._spans: dict[str, deque[tuple[datetime, datetime]]] = {}  # awake from, until
        for event in events:
            if event["kind"] == Kind.WAKE_REQUESTED:
                proof = Proof.WAIT if event.get("proof") == Proof.WAIT else Proof.TRUST
                claim = Claim(visitor=str(event.get("visitor")), proof=proof)
                at = datetime.fromisoformat(event["at"])
                self.grant(event["host"], claim, at, moment(event.get("asleep_since")))

    def grant(self, host: str, claim: Claim, at: datetime, asleep_since: datetime | None) -> None:
        """Take in a wake of a host that had been asleep since then, if that is known."""
        before = self._last.get(host)
        if before is not None and before <= (until := asleep_since or at):
            self._spans.setdefault(host, deque()).append((before, until))
        self._last[host] = at
        self._granted.append(_Granted(at, host, claim))
        self._forget(host, at)

    def refusal(
        self,
        claim: Claim,
        host: Host,
        total: TotalBudget,
        *,
        now: datetime,
        asleep_since: datetime | None,
        under_way: int,
    ) -> Refused | None:
        """Return why this wake is not to be had now, and from when on it is; None: it is.

        `under_way`: how many wakes of all hosts are.
        """
        if claim.proof in (Proof.SCHEDULE, Proof.ORDER):
            return None
        opens = [
            *self._opens(claim, host, total, now),
            *self._rested(host, now, asleep_since or now),
        ]
        if opens:
            return Refused(Refusal.SPENT, max(opens))
        if under_way >= total.wakes_at_once:
            return Refused(Refusal.BUSY)
        return None

    def left(
        self, host: Host, total: TotalBudget, *, now: datetime, asleep_since: datetime | None
    ) -> Left:
        """Return what is left of the last 24 hours' budget."""
        day = self._day(now)
        own = host.budget.wakes_per_day - sum(g.host == host.name for g in day)
        awake: timedelta | None = host.budget.awake_per_day
        if awake is not None:
            awake -= _sum(self._awake(host, now, asleep_since or now))
        return Left(
            wakes=max(0, min(own, total.wakes_per_day - len(day))),
            awake=awake if awake is None else max(awake, timedelta()),
        )

    def _day(self, now: datetime) -> list[_Granted]:
        return [granted for granted in self._granted if _counts(granted.at, now)]

    def _opens(
        self, claim: Claim, host: Host, total: TotalBudget, now: datetime
    ) -> Iterator[datetime]:
        """For each number of wakes that is used up, and the pause, when there is one again."""
        day, budget = self._day(now), host.budget
        own = [g for g in day if g.host == host.name]
        bounds = [
            (day, total.wakes_per_day),
            (own, budget.wakes_per_day),
            ([g for g in own if g.claim.visitor == claim.visitor], budget.wakes_per_visitor),
        ]
        if claim.proof is Proof.WAIT:
            unproven = [g for g in own if g.claim.proof is Proof.WAIT]
            bounds.append((unproven, budget.unproven_per_day))
        for granted, most in bounds:
            if len(granted) >= most:  # more than the most after an edit of hosts.yaml
                yield granted[-most].at + _DAY
        last = self._last.get(host.name)
        if last and budget.pause and _counts(last, now) and last + budget.pause > now:
            yield last + budget.pause

    def _rested(self, host: Host, now: datetime, asleep_since: datetime) -> Iterator[datetime]:
        """When the time awake of the last 24 hours falls below what is allowed, if it is not."""
        cut = self._awake(host, now, asleep_since)
        if host.budget.awake_per_day is None or not cut:
            return
        excess = _sum(cut) - host.budget.awake_per_day
        if excess < timedelta():
            return
        for begin, end in cut:  # the oldest leaves the 24 hours first
            if end - begin > excess:
                yield begin + excess + _DAY + _INSTANT
                return
            excess -= end - begin

    def _awake(
        self, host: Host, now: datetime, asleep_since: datetime
    ) -> list[tuple[datetime, datetime]]:
        """Return from when until when it was awake in the last 24 hours, oldest first."""
        spans = list(self._spans.get(host.name, ()))
        last = self._last.get(host.name)
        if last and last <= asleep_since:
            spans.append((last, asleep_since))
        return [(max(begin, now - _DAY), end) for begin, end in spans if _counts(end, now)]

    def _forget(self, host: str, now: datetime) -> None:
        """Of all hosts' spans only this one's: a long journal of many hosts takes minutes else."""
        while self._granted and self._granted[0].at <= now - _DAY:
            self._granted.popleft()
        spans = self._spans.get(host)
        while spans and spans[0][1] <= now - _DAY:
            spans.popleft()


def _counts(at: datetime, now: datetime) -> bool:
    return now - _DAY < at <= now + _DAY


def _sum(spans: list[tuple[datetime, datetime]]) -> timedelta:
    return sum((end - begin for begin, end in spans), timedelta())
