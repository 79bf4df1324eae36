"""Holes in Traefik's numbers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.log.numbering import Numbering
from traefik.access_log import Entry

AT = datetime(2026, 1, 2, tzinfo=UTC)


def numbering(*numbers: int) -> Numbering:
    made = Numbering()
    for number in numbers:
        made.add([Entry(start=AT, number=number)])
    return made


def test_numbers_out_of_order_are_no_holes() -> None:
    assert numbering(5, 7, 6, 9, 8).holes == set()


def test_a_request_under_way_is_not_missing_yet() -> None:
    made = numbering(1, 2, 4)
    assert made.holes == {3}
    assert made.missing() == 0


def test_what_never_came_before_the_next_process_is_missing() -> None:
    assert numbering(1, 2, 4, 1, 2).missing() == 1


def test_the_first_lines_of_a_process_count() -> None:
    assert numbering(1, 2, 3, 2).holes == {1}


def test_what_many_have_overtaken_is_missing_until_it_comes() -> None:
    made = numbering(1, 3)
    made.add([Entry(start=AT, number=number) for number in range(4, 20_000)])
    assert made.missing() == 1
    made.add([Entry(start=AT, number=2)])
    assert made.missing() == 0


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([*range(5001, 5011), 1, 2, 3], 0),
        ([*range(5001, 5011), 2, 1, 3], 0),
        ([*range(5001, 5005), *range(5006, 5011), 1, 2, 3], 1),
        ([30, *range(1, 40)], 0),
        ([1, 2, 3, 1, 2, 3], 0),
        ([7, 5, 6, 9, 8], 0),
    ],
)
def test_two_processes_in_the_first_block_leave_no_holes_between(
    numbers: list[int], missing: int
) -> None:
    made = Numbering()
    made.add([Entry(start=AT, number=number) for number in numbers])
    assert (made.settled, made.holes) == (missing, set())
    made.add([Entry(start=AT, number=max(numbers[-3:]) + 1)])
    assert made.missing() == missing


def test_what_is_kept_is_read_again() -> None:
    made = numbering(1, 2, 4, 1, 3)
    again = Numbering.load([made.document()])
    assert again.document() == made.document()


def test_a_log_without_numbers_has_no_holes() -> None:
    assert numbering(0, 0).missing() == 0


def test_a_long_part_that_is_lost_is_missing() -> None:
    assert numbering(1, 1_000_001).missing() == 999_999


@given(st.permutations(range(2, 15)), st.sets(st.integers(0, 13)))
def test_any_order_in_any_blocks_leaves_no_hole(order: list[int], cuts: set[int]) -> None:
    made = numbering(1)
    for start, end in itertools.pairwise([0, *sorted(cuts), len(order)]):
        made.add([Entry(start=AT, number=number) for number in order[start:end]])
    assert (made.settled, made.holes, made.following) == (0, set(), 15)
