"""Numbers as bars side by side: requests by the hour, and how long wakes took.

Pure: numbers in, what stands in the SVG out; the template draws. Charts are 960 units wide.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from waitroom.admin.periods import Length, Period
from waitroom.admin.timeline import LEFT, PLOT, Label
from waitroom.record.rows import HOURS, Row

_TALL = 160
_EDGES_S = (1, 2, 5, 10, 20, 30, 60, 120, 300)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; the part that stands for `used` is drawn over that for `total`."""

    x: float
    width: float
    total: float  # heights
    used: float
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars side by side."""

    height: float
    base: float  # on which they stand
    left: float  # where the lines of the scale begin
    length: float
    bars: Sequence[Bar]
    ticks: Sequence[Label]  # below
    scale: Sequence[Label]  # at the left, each with a line
    table: Sequence[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Wakes:
    """How long wakes took."""

    bars: Bars
    median_s: float
    p90_s: float
    slowest_s: float


def requests(rows: Mapping[str, Row], period: Period) -> Bars:
    """Draw requests by the hour, of a quarter by the day; and those of them that count as use."""
    counts: list[tuple[str, int, int]] = []
    for day in map(date.isoformat, period.days):
        row = rows.get(day)
        of_hours = (row.requests, row.activity) if row else ([0] * HOURS, [0] * HOURS)
        if period.length is Length.QUARTER:
            counts.append((day, sum(of_hours[0]), sum(of_hours[1])))
        else:
            pairs = enumerate(zip(*of_hours, strict=True))
            counts += [(f"{day} {hour:02}:00", *pair) for hour, pair in pairs]
    every = {Length.DAY: 3, Length.WEEK: 24, Length.QUARTER: 10}[period.length]
    shown = slice(11, None) if period.length is Length.DAY else slice(5, 10)
    first = 12 if period.length is Length.WEEK else 0  # a day's name stands below its noon
    return _bars(counts, range(first, len(counts), every), shown)


def wakes(took_s: Sequence[float]) -> Wakes | None:
    """Draw how long wakes took; None without any."""
    if not took_s:
        return None
    names = [f"{a}-{b} s" for a, b in zip((0, *_EDGES_S), _EDGES_S, strict=False)]
    counts = [0] * (len(_EDGES_S) + 1)
    for took in took_s:
        counts[sum(took >= edge for edge in _EDGES_S)] += 1
    table = [(name, n, n) for name, n in zip([*names, f"> {_EDGES_S[-1]} s"], counts, strict=True)]
    return Wakes(
        bars=_bars(table, range(len(table)), slice(None)),
        median_s=statistics.median(took_s),
        p90_s=sorted(took_s)[math.ceil(len(took_s) * 0.9) - 1],
        slowest_s=max(took_s),
    )


def _bars(counts: Sequence[tuple[str, int, int]], named: Iterable[int], shown: slice) -> Bars:
    top = _nice(max(total for _, total, _ in counts))
    step = PLOT / len(counts)
    gap = min(step * 0.2, 6)
    return Bars(
        height=_TALL + 34,
        base=_TALL + 6,
        left=LEFT,
        length=PLOT,
        bars=[
            Bar(
                x=round(LEFT + n * step + gap / 2, 1),
                width=round(step - gap, 1),
                total=round(_TALL * total / top, 1),
                used=round(_TALL * used / top, 1),
                text=f"{name}: {total:,}",
            )
            for n, (name, total, used) in enumerate(counts)
            if total
        ],
        ticks=[Label(LEFT + (n + 0.5) * step, _TALL + 28, counts[n][0][shown]) for n in named],
        scale=[
            Label(LEFT - 8, 10 + _TALL * (1 - part), f"{top * part:,.0f}") for part in (0, 0.5, 1)
        ],
        table=counts,
    )


def _nice(most: int) -> int:
    """Return the next of 2, 4, 10, 20, 40, 100, ... so that its half is a whole number, too."""
    scale = 1
    while True:
        for factor in (2, 4, 10):
            if most <= factor * scale:
                return factor * scale
        scale *= 10
