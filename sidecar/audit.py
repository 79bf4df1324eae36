"""What was awake, what it saved, and what went wrong: the sums of `python -m sidecar audit`.

Pure: events in, a summary a host out. How long a host was awake, the ledger says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sidecar.ledger import Ledger, State
from sidecar.occurrence import Event, microseconds

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which time is asked about, in microseconds since 1970; without a start: all there is."""

    since_us: int | None
    until_us: int

    def includes(self, at_us: int) -> bool:
        """Whether a moment is in it."""
        return (self.since_us is None or self.since_us <= at_us) and at_us < self.until_us

    def share_us(self, start_us: int, end_us: int) -> int:
        """Return how much of a span is in it."""
        start_us = start_us if self.since_us is None else max(start_us, self.since_us)
        return max(0, min(end_us, self.until_us) - start_us)


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour awake costs."""

    per_hour: Decimal
    currency: str


@dataclass(slots=True)
class Summary:
    """One host in the window."""

    host: str
    wakes: int = 0
    awake_us: int = 0
    asleep_us: int = 0
    unknown_us: int = 0
    false_wakes: int = 0  # woken, and not used before it slept again
    sleeps_called_off: int = 0
    failed_stops: int = 0
    price: Price | None = None

    @property
    def share_saved(self) -> float | None:
        """Return which part of the known time it slept; None if nothing is known."""
        known_us = self.awake_us + self.asleep_us
        return self.asleep_us / known_us if known_us else None

    @property
    def money_saved(self) -> Decimal | None:
        """Return what it would have cost to stay awake instead; None without a price."""
        return self.price.per_hour * self.asleep_us / _HOUR_US if self.price else None


class Audit:
    """Adds up events, given in the order in which they were recorded."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._ledger = Ledger(self._spend)
        self._summaries: dict[str, Summary] = {}
        self._asked: dict[str, int] = {}  # hosts whose wake was requested, and when
        self._woken: dict[str, int] = {}  # those that were woken then, and have not slept again

    def add(self, event: Event) -> None:
        """Take in what happened next."""
        at = event.at_us()
        if at >= self._window.until_us:
            return
        self._ledger.add(event, at)
        note = _NOTES.get(event.kind)
        if note is not None:
            note(self, event, at)

    def summaries(self, prices: Mapping[str, Price]) -> list[Summary]:
        """Return all hosts of which there is anything in the window. Ends the adding."""
        self._ledger.close(self._window.until_us)
        for summary in self._summaries.values():
            summary.price = prices.get(summary.host)
        return sorted(self._summaries.values(), key=lambda summary: summary.host)

    def _of(self, host: str) -> Summary:
        summary = self._summaries.get(host)
        if summary is None:
            summary = self._summaries[host] = Summary(host)
        return summary

    def _spend(self, host: str, state: State, start_us: int, end_us: int) -> None:
        spent_us = self._window.share_us(start_us, end_us)
        if not spent_us:
            return
        summary = self._of(host)
        if state is State.AWAKE:
            summary.awake_us += spent_us
        elif state is State.ASLEEP:
            summary.asleep_us += spent_us
        else:
            summary.unknown_us += spent_us

    # A wake is false when the sleep after it rests on a use before it.

    def _ask(self, event: Event, at: int) -> None:
        self._asked[event.host] = at

    def _wake(self, event: Event, at: int) -> None:
        self._woken[event.host] = self._asked.pop(event.host, at)
        if self._window.includes(at):
            self._of(event.host).wakes += 1

    def _sleep(self, event: Event, at: int) -> None:
        asked = self._woken.pop(event.host, None)
        if asked is not None and not _used_since(event, asked) and self._window.includes(at):
            self._of(event.host).false_wakes += 1

    def _find_stopped(self, event: Event, _: int) -> None:
        self._woken.pop(event.host, None)

    def _call_off(self, event: Event, at: int) -> None:
        if self._window.includes(at):
            self._of(event.host).sleeps_called_off += 1

    def _fail_to_stop(self, event: Event, at: int) -> None:
        if self._window.includes(at):
            self._of(event.host).failed_stops += 1


_NOTES: dict[str, Callable[[Audit, Event, int], None]] = {
    "wake_requested": Audit._ask,  # noqa: SLF001 - its own table
    "woken": Audit._wake,  # noqa: SLF001
    "slept": Audit._sleep,  # noqa: SLF001
    "found_stopped": Audit._find_stopped,  # noqa: SLF001
    "sleep_called_off": Audit._call_off,  # noqa: SLF001
    "stop_failed": Audit._fail_to_stop,  # noqa: SLF001
}


def summarise(
    events: Iterable[Event], window: Window, prices: Mapping[str, Price]
) -> list[Summary]:
    """Return a summary of each host."""
    audit = Audit(window)
    for event in events:
        audit.add(event)
    return audit.summaries(prices)


def _used_since(event: Event, moment_us: int) -> bool:
    last_used = event.evidence.last_used if event.evidence else None
    return last_used is not None and microseconds(last_used) > moment_us
