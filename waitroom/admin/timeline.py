"""When a host was awake, as a picture: a strip a day from midnight to midnight.

Pure: numbers in, what stands in the SVG out; the template draws. Charts are 960 units wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from waitroom.admin.periods import Length, Period, midnight
from waitroom.record.history import Span
from waitroom.record.occurrence import microseconds
from waitroom.record.standing import State

LEFT, PLOT = 92, 840  # where the plot begins, and how wide it is
_DAY_US = 86_400_000_000
_TALL = {Length.DAY: (56, 0), Length.WEEK: (26, 6), Length.QUARTER: (6, 0)}  # a day, and the gap


@dataclass(frozen=True, slots=True)
class Label:
    """A text and where it stands."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Sums:
    """For how long a host was what on a day, in hours."""

    day: str
    awake: float
    asleep: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """For how long a host was what, by the clock."""

    begin: str
    end: str
    state: State


@dataclass(frozen=True, slots=True)
class Timeline:
    """A strip a day from midnight to midnight."""

    height: float
    strips: str  # a path: where there could be something
    paths: Mapping[State, str]
    labels: Sequence[Label]
    ticks: Sequence[Label]
    table: Sequence[Sums]
    stretches: Sequence[Stretch]  # of a single day; of more they would be too many to read


def timeline(spans: Sequence[Span], period: Period) -> Timeline:
    """Draw when a host was awake, asleep or nobody knows which."""
    tall, gap = _TALL[period.length]
    begin_us = microseconds(midnight(period.days[0]))
    paths: dict[State, list[str]] = {state: [] for state in State}
    hours = [dict.fromkeys(State, 0.0) for _ in period.days]
    for span in spans:
        for day, start, end in _by_day(span.start_us - begin_us, span.end_us - begin_us):
            hours[day][span.state] += (end - start) * 24
            paths[span.state].append(_box(day * (tall + gap), tall, start, end))
    stretches = [
        Stretch(_clock(span.start_us - begin_us), _clock(span.end_us - begin_us), span.state)
        for span in spans
        if period.length is Length.DAY
    ]
    strips = [_box(day * (tall + gap), tall, 0, 1) for day in range(len(period.days))]
    height = len(period.days) * (tall + gap)
    return Timeline(
        height=height + 22,
        strips="".join(strips),
        paths={state: "".join(boxes) for state, boxes in paths.items() if boxes},
        labels=_day_labels(period, tall, gap),
        ticks=[
            Label(LEFT + PLOT * hour / 24, height + 16, f"{hour:02}:00") for hour in range(0, 25, 3)
        ],
        table=[
            Sums(day.isoformat(), *(of[state] for state in State))
            for day, of in zip(period.days, hours, strict=True)
        ],
        stretches=stretches,
    )


def _by_day(start_us: int, end_us: int) -> Iterable[tuple[int, float, float]]:
    """Cut a span at each midnight: the day's number, and begin and end as parts of it."""
    while start_us < end_us:
        day = start_us // _DAY_US
        cut = min(end_us, (day + 1) * _DAY_US)
        yield day, start_us / _DAY_US - day, cut / _DAY_US - day
        start_us = cut


def _clock(us: int) -> str:
    minutes = us // 60_000_000
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _box(top: float, tall: float, start: float, end: float) -> str:
    x, width = LEFT + PLOT * start, max(PLOT * (end - start), 0.4)
    return f"M{x:.1f} {top}h{width:.1f}v{tall}h-{width:.1f}z"


def _day_labels(period: Period, tall: float, gap: float) -> list[Label]:
    """Name each day; of a quarter its Mondays, as it has no room for more."""
    named = [
        (n, day)
        for n, day in enumerate(period.days)
        if period.length is not Length.QUARTER or day.weekday() == 0
    ]
    return [
        Label(LEFT - 8, n * (tall + gap) + tall / 2 + 4, f"{day:%a} {day.day} {day:%b}")
        for n, day in named
    ]
