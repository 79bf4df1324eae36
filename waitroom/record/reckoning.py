"""Which readings of a clock are believed, once it is known how it was set.

Pure. A clock may be wrong for a while: ahead after a boot, set by hand to another day. While it is,
nobody can tell; afterwards it shows, as it has to be set again. Believed are readings that never
run back, so that no moment is there twice, that end in the present one, by which all is asked, and
that were in force the longest of all such. What lies between two of them is moved in between. Time
that passed there besides passed while the machine was off, if it was; else nothing is known of it.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from waitroom.record.standing import Step


def offsets(steps: Sequence[Step]) -> list[int]:
    """Return for each stretch what to add to steady time; it never shrinks from one to the next."""
    read = [step.offset for step in steps]
    if all(a <= b for a, b in itertools.pairwise(read)):
        return read
    believed = sorted(_longest(steps))
    read[: believed[0]] = [read[believed[0]]] * believed[0]
    for first, last in itertools.pairwise(believed):
        between = itertools.accumulate(_gaps(steps[first : last + 1]), initial=read[first])
        read[first:last] = [min(offset, read[last]) for offset in between][: last - first]
    return read


def _gaps(steps: Sequence[Step]) -> list[int]:
    """Return how much time passed unwatched before each stretch but the first."""
    by_clock = [after.offset - before.offset for before, after in itertools.pairwise(steps)]
    gaps = [
        max(0, gap) if step.joined else 0 for gap, step in zip(by_clock, steps[1:], strict=True)
    ]
    spare = steps[-1].offset - steps[0].offset - sum(gaps)
    if spare > 0:
        # Mostly a boot with a clock that was behind.
        boots = (n for n, gap in enumerate(by_clock) if steps[n + 1].joined and gap < 0)
        gaps[next(boots, len(gaps) - 1)] += spare
    return gaps


def _longest(steps: Sequence[Step]) -> set[int]:
    """Return which stretches are believed: of those that end in the last the longest together."""
    final = steps[-1].offset
    stairs: list[tuple[int, int]] = []  # an offset, and the best time of those up to it; ascending
    tops: list[int] = []  # the last stretch of each
    came_from: dict[int, int | None] = {}
    for n, (step, following) in enumerate(itertools.pairwise(steps)):
        if step.offset > final:
            continue
        place = bisect.bisect_right(stairs, step.offset, key=lambda stair: stair[0])
        came_from[n] = tops[place - 1] if place else None
        time = following.since - step.since + (stairs[place - 1][1] if place else 0)
        if place and stairs[place - 1][0] == step.offset:
            place -= 1  # another one for it
        end = place
        while end < len(stairs) and stairs[end][1] <= time:
            end += 1
        stairs[place:end], tops[place:end] = [(step.offset, time)], [n]
    chosen, last = {len(steps) - 1}, tops[-1] if tops else None
    while last is not None:
        chosen.add(last)
        last = came_from[last]
    return chosen
