"""Moments, spans and sums of money as the dashboard writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from waitroom.kinds import Kind
from waitroom.record.summary import Price
from waitroom.signs import moment

# What happened, in words; a kind that is not here is shown as it is recorded.
KINDS: Mapping[str, str] = {
    Kind.WAKE_REQUESTED: "Wake requested",
    Kind.WAKE_REFUSED: "Wake refused",
    Kind.WOKEN: "Woken",
    Kind.WAKE_FAILED: "Wake failed",
    Kind.SLEEP_REQUESTED: "Sleep ordered",
    Kind.SLEEP_STARTED: "Sleep begun",
    Kind.SLEPT: "Slept",
    Kind.SLEEP_CALLED_OFF: "Sleep called off",
    Kind.STOP_FAILED: "Stop failed",
    Kind.FOUND_RUNNING: "Found running",
    Kind.FOUND_STOPPED: "Found stopped",
    Kind.KEPT: "Kept awake",
    Kind.RELEASED: "Released",
    Kind.WATCH_STARTED: "Watch begun",
    Kind.LOG_GAP: "Gap in the log",
    Kind.CLOCK_STEP: "Clock set",
}
# What people write may look like a moment, too, and is a text.
_MOMENTS = ("until", "last_used", "asleep_since")
_MOST_S = 1e12
_SAID_BEFORE = ("at", "host", "kind", "detail")


def at(time: datetime) -> str:
    """Write a moment; the page says that it is UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def span(time: timedelta) -> str:
    """Write a span with its two largest units; from two days on, with days alone."""
    seconds = int(time.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours >= 48:  # noqa: PLR2004 - from here on days are easier to grasp
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def money(price: Price | None, asleep_s: float) -> str:
    """Write what a sleep has saved."""
    if price is None:
        return "-"
    return f"{price.per_hour * Decimal(asleep_s) / 3600:,.2f} {price.currency}"


def attempt(event: Mapping[str, Any] | None) -> str:
    """Write what became of the last try to put a host to sleep."""
    if event is None:
        return "-"
    time, kind = moment(event.get("at")), str(event["kind"])
    why = "" if kind == Kind.SLEPT else f": {event.get('detail') or event.get('reason')}"
    return f"{KINDS[kind]} {at(time) if time else ''}{why}"


def details(event: Mapping[str, Any]) -> str:
    """Write what an event says besides time, host and kind."""
    parts = [
        f"{_words(name)} {_value(name, value)}"
        for name, value in event.items()
        if name not in _SAID_BEFORE and not (name == "reason" and "detail" in event)
    ]
    return ", ".join([*([str(event["detail"])] if "detail" in event else []), *parts])


def _words(name: str) -> str:
    return name.removesuffix("_s").replace("_", " ")


def _value(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return f"({', '.join(f'{_words(key)} {_value(key, one)}' for key, one in value.items())})"
    if name in _MOMENTS and (time := moment(value)):
        return at(time)
    # JSON has whole numbers of any length.
    seconds = name.endswith("_s") and isinstance(value, int | float) and abs(value) < _MOST_S
    return f"{value:,.1f} s" if seconds else str(value)
