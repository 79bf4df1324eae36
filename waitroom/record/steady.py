"""Steady time: what has passed, whatever the clock was set to; and back to dates.

Pure. It is the wall clock's minus an offset, in microseconds. The offset changes with a step of the
clock. It also grows by the time for which the machine was off: how long that was is the word of a
clock that may have been wrong at either end. To which date a moment belongs follows from all steps,
see `reckoning`.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from waitroom.kinds import Kind
from waitroom.record import reckoning
from waitroom.record.occurrence import Event
from waitroom.record.standing import Step

_LATELY_US = 31 * 24 * 3600 * 1_000_000


class Steady:
    """Steady time, as the events tell it that concern all hosts."""

    def __init__(
        self, newest: int, steps: list[Step], believed: Sequence[int] | None = None
    ) -> None:
        """Go on from there. `believed`: the reckoning of all steps, those to come included."""
        self.newest = newest  # the steady moment of the latest event
        self.steps = steps
        self.was_set_back = reckoning.offsets(steps) != [step.offset for step in steps]
        self._believed = believed
        self._offsets: Sequence[int] | None = None  # the reckoning, once it is asked for
        self._look()

    def begin(self, at: int) -> None:
        """Note when the record begins."""
        self.newest = at
        self.steps[0] = Step(at, 0)
        self._look()

    def take(self, event: Event, at_us: int) -> int | None:
        """Take in an event of all hosts; return since when nobody watched, if it says so."""
        since = None
        if event.kind == Kind.CLOCK_STEP:
            step = round((event.step_s or 0.0) * 1_000_000)
            self._set(Step(max(at_us - self.offset - step, self.newest), self.offset + step))
        elif event.kind == Kind.WATCH_STARTED:
            # A clock that is behind the last event has been set back meanwhile.
            at = watched = max(at_us - self.offset, self.newest)
            if event.unwatched_s is not None:
                since = at - max(0, round(event.unwatched_s * 1_000_000))
                watched = max(since, self.newest) if event.rebooted else at
            self._set(Step(watched, at_us - watched, event.rebooted is True))
        self.newest = max(at_us - self.offset, self.newest)
        return since

    def reckoning(self) -> Sequence[int]:
        """Return for each step what to add to steady time to get dates."""
        offsets = self._offsets
        if offsets is None:
            offsets = self._offsets = reckoning.offsets(self.steps)
        return offsets

    def date(self, at_us: int) -> int:
        """Return what the date of an event is that says this moment, now."""
        return at_us - self.offset + self.shift

    def date_of(self, at: int) -> int:
        """Return the date of a steady moment."""
        return at + self.reckoning()[self._step_at(at)]

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """Yield by date what lies between two moments, and whether it is known what was then.

        A clock that was set forward, and not back again, leaves a time of which nothing is known.
        """
        offsets, first = self.reckoning(), self._step_at(start)
        begin, offset = start + offsets[first], offsets[first]
        for step, following in zip(self.steps[first + 1 :], offsets[first + 1 :], strict=False):
            if step.since >= end:
                break
            stop, resume = step.since + offset, step.since + following
            if stop < resume and not step.joined:
                yield begin, stop, True
                yield stop, resume, False
                begin = resume
            offset = following
        yield begin, end + offset, True

    def changed_since(self, before: Sequence[int]) -> int | None:
        """Return from which date on another reckoning had others; None: all were the same.

        What is older than a month and only moved is not among it.
        """
        lately = self.newest - _LATELY_US
        pairs = zip(self.steps, before, self.reckoning(), strict=False)
        dates = [max(step.since, lately) + min(old, new) for step, old, new in pairs if old != new]
        return min(dates, default=None)

    def go_on(self) -> None:
        """Reckon by what is known now, after what was believed before."""
        self._believed = None
        self._look()

    def forget_before(self, at: int) -> None:
        """Drop what only earlier moments need."""
        number = self._step_at(at)
        if number:
            del self.steps[:number]
            self._look()

    def _set(self, step: Step) -> None:
        last = self.steps[-1]
        if step.offset != last.offset:
            self.was_set_back |= step.offset < last.offset
            self.steps.append(step)
        elif step.joined and step.since == last.since:
            self.steps[-1] = step
        self._look()

    def _look(self) -> None:
        """Note what is asked a million times: of the stretch that goes on."""
        last = self.steps[-1]
        self.since, self.offset = last.since, last.offset
        if self._believed and len(self._believed) < len(self.steps):
            self._believed = None  # it has not known all of them
        # The present clock is believed, unless more is known.
        self.shift = self._believed[len(self.steps) - 1] if self._believed else last.offset
        self._offsets = self._believed

    def _step_at(self, at: int) -> int:
        """Return the last step before a moment."""
        return max(0, bisect.bisect_left(self.steps, at, key=lambda step: step.since) - 1)
