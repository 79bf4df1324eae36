"""What the dashboard says of times, spans and events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from waitroom.admin.phrases import KINDS, details, span
from waitroom.kinds import Kind


def test_every_kind_of_event_has_its_words() -> None:
    assert set(KINDS) == set(Kind)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=58.9), "58 s"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(hours=1, seconds=59), "1 h 0 min"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_a_span_has_its_two_largest_units(time: timedelta, said: str) -> None:
    assert span(time) == said


def test_what_an_event_says_is_written_for_people() -> None:
    event = {
        "at": "2026-01-31T12:00:00Z",
        "kind": "wake_requested",
        "gate": "visit",
        "asleep_since": "2026-01-31T08:30:00.964956Z",
    }
    assert details(event) == "gate visit, asleep since 2026-01-31 08:30"
