"""Who is held until the app is ready, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.public.holding import Places, preferred_wait_s


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [
        ("", 0),
        ("wait=10", 10),
        ("Wait = 10", 10),
        ('wait="10"', 10),
        ("respond-async, wait=10", 10),
        ("wait=10; x=y, return=minimal", 10),
        ("wait=9999999", 60),
        ("wait=-1", 0),
        ("await=10", 0),
        ("wait", 0),
    ],
)
def test_reads_the_wait_of_a_prefer_header(header: str, expected_s: int) -> None:
    assert preferred_wait_s(header) == expected_s


@given(st.text())
def test_any_header_means_some_time_of_at_most_a_minute(header: str) -> None:
    assert 0 <= preferred_wait_s(header) <= 60


def test_holds_while_there_is_something_to_wait_for() -> None:
    looks = iter([True, True, False])
    Places().hold(60, lambda: next(looks))
    assert list(looks) == []


def test_only_four_are_held_at_once() -> None:
    places = Places()
    depth = 0

    def waits() -> bool:
        nonlocal depth
        depth += 1
        places.hold(60, waits)
        return False

    places.hold(60, waits)
    assert depth == 4
