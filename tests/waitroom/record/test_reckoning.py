"""Which readings of a clock are believed, once it is known how it was set."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.record.reckoning import offsets
from waitroom.record.standing import Step

LONG, SHORT = 1000, 10
Stretches = list[tuple[int, int, bool]]  # how long, by which offset, and whether after a boot


def steps(stretches: Stretches) -> list[Step]:
    since = itertools.accumulate((length for length, _, _ in stretches), initial=0)
    return [Step(at, offset, boot) for at, (_, offset, boot) in zip(since, stretches, strict=False)]


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([(LONG, 0, False), (LONG, 60, False)], [0, 60]),  # it was behind, or slept
        ([(LONG, 0, False), (SHORT, 60, False), (SHORT, 0, False)], [0, 0, 0]),
        ([(LONG, 0, False), (SHORT, -60, False), (SHORT, 0, False)], [0, 0, 0]),
        ([(LONG, 0, False), (LONG, -60, False)], [-60, -60]),  # it was ahead from the first
        ([(SHORT, 0, False), (LONG, 60, False), (SHORT, 50, False)], [0, 0, 50]),
        # Off for 5; then a clock that was ahead, or behind, until it was set right.
        ([(LONG, 0, False), (SHORT, 65, True), (LONG, 5, False)], [0, 5, 5]),
        ([(LONG, 0, False), (SHORT, -60, True), (LONG, 5, False)], [0, 5, 5]),
        # Ahead, and right after it was off for 5.
        ([(LONG, 0, False), (SHORT, 60, False), (LONG, 5, True)], [0, 0, 5]),
        # Off twice, and ahead in between.
        ([(LONG, 0, False), (LONG, 5, True), (SHORT, 65, False), (SHORT, 68, True), (LONG, 8, False)],
         [0, 5, 5, 8, 8]),
    ],
)  # fmt: skip
def test_a_clock_that_was_wrong_and_set_right_has_been_right(
    stretches: Stretches, expected: list[int]
) -> None:
    assert offsets(steps(stretches)) == expected


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-100, 100), st.booleans()), min_size=1))
def test_no_moment_is_there_twice_and_the_present_clock_is_believed(stretches: Stretches) -> None:
    read = [offset for _, offset, _ in stretches]
    shown = offsets(steps(stretches))
    assert all(a <= b for a, b in itertools.pairwise(shown))
    assert shown[-1] == read[-1]
    if read == sorted(read):
        assert shown == read
