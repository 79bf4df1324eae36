"""What an audit asks and answers: the time that is asked about, and what one host did in it.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from waitroom.registry.hosts import Host

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which time is asked about, in microseconds since 1970; without a start: all there is.

    What was recorded after it is heeded, too: it may say what a host did in it.
    """

    since_us: int | None
    until_us: int
    now_us: int  # what is later has not happened

    def includes(self, at_us: int) -> bool:
        """Whether a moment is in it."""
        return (self.since_us is None or self.since_us <= at_us) and at_us < self.until_us

    def cut(self, start_us: int, end_us: int) -> tuple[int, int]:
        """Return the part of a span that is in it; where none is, it ends before it begins."""
        start_us = start_us if self.since_us is None else max(start_us, self.since_us)
        return start_us, min(end_us, self.until_us)


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour awake costs."""

    per_hour: Decimal
    currency: str


def price(host: Host) -> Price | None:
    """Return what hosts.yaml says that it costs; None: nothing."""
    if host.cost_per_hour is None:
        return None
    return Price(Decimal(str(host.cost_per_hour)), host.currency)


@dataclass(slots=True)
class Summary:
    """One host in the window."""

    host: str
    wakes: int = 0
    took_s: list[float] = field(default_factory=list)  # wakes, from request to first answer
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
