"""Weekly windows of time, as people write them: `mon-fri 08:00-18:00 Asia/Jakarta`.

Pure. A window opens and closes by the clock on the wall of its zone, so it moves with daylight
saving. Where a change makes a local time ambiguous or skips it, RFC 5545 (3.3.5) says what is
meant: the first of two, and the offset before the gap.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from waitroom.registry.values import got

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TEXT = re.compile(r"(\S+)\s+(\d{2}:\d{2})-(\d{2}:\d{2})\s+(\S+)")
_EXAMPLE = "Expected days, hours and a time zone, such as 'mon-fri 08:00-18:00 Asia/Jakarta'"
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Window:
    """One window on some days of each week; half open, like every span here."""

    days: frozenset[int]  # those on which it opens; Monday is 0
    opens: time
    lasts: timedelta  # by the clock on the wall; up to 24 hours, so it may end on the next day
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: object) -> Window:
        """Read `DAYS HH:MM-HH:MM ZONE`; DAYS is `daily` or like `mon-fri,sun`. Raises: ValueError.

        An end at or before its beginning lies on the next day; 24:00 ends the day.
        """
        match = _TEXT.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError(_EXAMPLE + got(text))
        opens, closes = (_minutes(part) for part in match.group(2, 3))
        return cls(
            days=_days(match[1].lower()),
            opens=time(*divmod(opens % 1440, 60)),
            lasts=timedelta(minutes=(closes - opens) % 1440 or 1440),
            zone=_zone(match[4]),
        )

    def spans(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield beginning and end, in UTC, of each that may touch the time in between."""
        day = since.astimezone(self.zone).date() - _DAY
        while day <= until.astimezone(self.zone).date():
            if day.weekday() in self.days:
                yield self._span(day)
            day += _DAY

    def _span(self, day: date) -> tuple[datetime, datetime]:
        opens = datetime.combine(day, self.opens, self.zone)
        begin, end = opens.astimezone(UTC), (opens + self.lasts).astimezone(UTC)
        # One that opens in an hour that is skipped may close before that, by the clock.
        return begin, end if end > begin else begin + self.lasts


class Windows(tuple[Window, ...]):
    """Several windows that hold together: any of them holds."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Windows:
        """Read one window or a list of them. Raises: ValueError with an example."""
        return cls(Window.parse(one) for one in (text if isinstance(text, list) else [text]))

    def until(self, now: datetime) -> datetime | None:
        """Return when the time that holds now is over, or None when none does.

        Windows that meet are one; the end of what never ends is at least a week away.
        """
        end = now
        for opens, closes in sorted(self._spans(now, now + _WEEK)):
            if opens <= end < closes:
                end = closes
        return end if end > now else None

    def opened(self, now: datetime) -> datetime | None:
        """Return when the time that holds now began; None when none does, or it always has."""
        if self.until(now) is None:
            return None
        begin = now
        for opens, closes in sorted(self._spans(now - _WEEK, now), reverse=True):
            if opens <= begin <= closes:
                begin = opens
        return begin if begin > now - _WEEK else None

    def next_opening(self, now: datetime) -> datetime | None:
        """Return when the next one opens, or None without any."""
        spans = self._spans(now, now + _WEEK)
        return min((opens for opens, _ in spans if opens > now), default=None)

    def _spans(self, since: datetime, until: datetime) -> Iterable[tuple[datetime, datetime]]:
        return (span for window in self for span in window.spans(since, until + _DAY))


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes > 59 or hours * 60 + minutes > 1440:  # noqa: PLR2004 - as a clock shows them
        raise ValueError(f"no clock shows {text}; hours go from 00:00 to 24:00")
    return hours * 60 + minutes


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{part!r} is no day; the days are {', '.join(_DAYS)}, or daily")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days.update((begin + i) % 7 for i in range((end - begin) % 7 + 1))
    return frozenset(days)


_zones = functools.cache(available_timezones)  # it reads 600 files, and each host may have windows


def _zone(name: str) -> ZoneInfo:
    known = _zones()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise ValueError(
            f"{name!r} is no time zone; "
            + (f"did you mean {near[0]}?" if near else "give one such as Asia/Jakarta or UTC")
        )
    return ZoneInfo(name)
