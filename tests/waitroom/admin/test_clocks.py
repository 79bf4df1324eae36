from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from waitroom.admin.clocks import next_shown


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the clock of this machine show the time of a zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "now", "text", "expected"),
    [
        # Clocks go on from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
        ("Europe/Berlin", "2026-03-28T19:00", "18:00", "2026-03-29T16:00"),
        ("Europe/Berlin", "2026-03-28T10:00", "18:00", "2026-03-28T17:00"),
        ("Europe/Berlin", "2026-03-29T00:30", "02:30", "2026-03-29T01:30"),
        ("Europe/Berlin", "2026-03-29T00:30", "03:00", "2026-03-29T01:00"),
        # And back from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC.
        ("Europe/Berlin", "2026-10-24T19:00", "18:00", "2026-10-25T17:00"),
        ("Europe/Berlin", "2026-10-24T23:00", "02:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-10-25T00:45", "02:30", "2026-10-25T01:30"),
        ("Europe/Berlin", "2026-10-25T01:45", "02:30", "2026-10-26T01:30"),
        # On 2026-03-08 at 07:00 UTC, and on 2026-11-01 at 06:00 UTC.
        ("America/New_York", "2026-03-08T01:00", "18:00", "2026-03-08T22:00"),
        ("America/New_York", "2026-03-08T05:00", "02:30", "2026-03-08T07:30"),
        ("America/New_York", "2026-11-01T02:00", "18:00", "2026-11-01T23:00"),
        ("America/New_York", "2026-11-01T04:00", "01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01T05:45", "01:30", "2026-11-01T06:30"),
        ("Asia/Jakarta", "2026-11-01T10:00", "18:00", "2026-11-01T11:00"),
        ("Asia/Jakarta", "2026-11-01T11:00", "18:00", "2026-11-02T11:00"),
        ("Asia/Jakarta", "2026-11-01T11:00", "2026-11-01T20:00", "2026-11-01T13:00"),
        ("Asia/Jakarta", "2026-11-01T11:00", "2026-11-01T20:00:00Z", "2026-11-01T20:00"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_is_when_the_clock_here_shows_it_next(now: str, text: str, expected: str) -> None:
    assert next_shown(text, utc(now)) == utc(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "24:00",
        "18",
        "18:00:00",
        "T",
        "2026-02-30T10:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_is_told_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="expected HH:MM or 2026-01-31T18:00:00Z, got"):
        next_shown(text, utc("2026-01-01T00:00"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
