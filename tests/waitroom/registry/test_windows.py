from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.registry.windows import Window, Windows

OFFICE = "mon-fri 08:00-18:00 Asia/Jakarta"  # UTC+7 all year


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23T00:59:59", None),  # Monday 07:59:59 there
        ("2026-11-23T01:00:00", "2026-11-23T11:00:00"),
        ("2026-11-23T10:59:59", "2026-11-23T11:00:00"),
        ("2026-11-23T11:00:00", None),
        ("2026-11-28T05:00:00", None),  # Saturday
    ],
)
def test_holds_by_the_clock_of_its_zone(now: str, until: str | None) -> None:
    windows = Windows.parse(OFFICE)
    assert windows.until(utc(now)) == (until and utc(until))
    assert windows.opened(utc(now)) == (until and utc("2026-11-23T01:00:00"))


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23T00:00:00", "2026-11-23T01:00:00"),
        ("2026-11-23T01:00:00", "2026-11-24T01:00:00"),  # it is open: the next one
        ("2026-11-27T12:00:00", "2026-11-30T01:00:00"),  # over the weekend
    ],
)
def test_opens_next(now: str, opens: str) -> None:
    assert Windows.parse([OFFICE]).next_opening(utc(now)) == utc(opens)


def test_without_a_window_nothing_holds_and_nothing_opens() -> None:
    assert Windows().until(utc("2026-01-01T00:00:00")) is None
    assert Windows().next_opening(utc("2026-01-01T00:00:00")) is None


def test_a_window_over_midnight_belongs_to_the_day_it_opens_on() -> None:
    night = Windows.parse("fri 22:00-02:00 UTC")
    assert night.until(utc("2026-11-28T01:00:00")) == utc("2026-11-28T02:00:00")
    assert night.opened(utc("2026-11-28T01:00:00")) == utc("2026-11-27T22:00:00")
    assert night.until(utc("2026-11-27T01:00:00")) is None


@pytest.mark.parametrize(
    "written",
    [
        ["daily 08:00-12:00 UTC", "daily 12:00-20:00 UTC"],  # one ends where the other begins
        ["daily 10:00-20:00 UTC", "daily 08:00-11:00 UTC"],  # they overlap
    ],
)
def test_windows_that_meet_are_one(written: list[str]) -> None:
    now = utc("2026-11-23T08:00:00")
    assert Windows.parse(written).until(now) == utc("2026-11-23T20:00:00")
    for hour in (8, 11, 12, 19):
        now = utc(f"2026-11-23T{hour:02}:00:00")
        assert Windows.parse(written).opened(now) == utc("2026-11-23T08:00:00")


@pytest.mark.parametrize("written", ["daily 00:00-24:00 UTC", "daily 08:00-08:00 Europe/Berlin"])
def test_what_never_ends_holds_for_more_than_a_week(written: str) -> None:
    now = utc("2026-11-23T12:00:00")
    until = Windows.parse(written).until(now)
    assert until
    assert until - now > timedelta(days=7)
    assert Windows.parse(written).opened(now) is None


@pytest.mark.parametrize(
    ("written", "opens", "closes"),
    [
        # Berlin leaves 02:00 for 03:00 on 29 March and has 02:00-03:00 twice on 25 October.
        ("sun 01:00-05:00 Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T03:00:00"),
        ("sun 01:00-05:00 Europe/Berlin", "2026-10-24T23:00:00", "2026-10-25T04:00:00"),
        ("sun 02:30-05:00 Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T03:00:00"),  # skipped
        ("sun 02:30-05:00 Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T04:00:00"),  # twice
        ("sat 22:00-06:00 Europe/Berlin", "2026-03-28T21:00:00", "2026-03-29T04:00:00"),
        # New York does so at 02:00 on 8 March and on 1 November.
        ("sun 00:00-08:00 America/New_York", "2026-03-08T05:00:00", "2026-03-08T12:00:00"),
        ("sun 00:00-08:00 America/New_York", "2026-11-01T04:00:00", "2026-11-01T13:00:00"),
        ("sun 01:30-03:00 America/New_York", "2026-11-01T05:30:00", "2026-11-01T08:00:00"),
    ],
)
def test_keeps_to_the_wall_over_both_changes_of_daylight_saving(
    written: str, opens: str, closes: str
) -> None:
    windows = Windows.parse(written)
    assert windows.next_opening(utc(opens) - timedelta(hours=3)) == utc(opens)
    assert windows.until(utc(opens)) == utc(closes)
    assert windows.until(utc(opens) - timedelta(seconds=1)) is None
    assert windows.until(utc(closes)) is None


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("08:00-18:00", "such as 'mon-fri 08:00-18:00 Asia/Jakarta'"),
        (8, "such as"),
        ("mon-fry 08:00-18:00 UTC", "'mon-fry' is no day"),
        ("mon 8:00-18:00 UTC", "such as"),
        ("mon 08:00-24:01 UTC", "no clock shows 24:01"),
        ("mon 08:60-09:00 UTC", "no clock shows 08:60"),
        ("mon 08:00-18:00 Asia/Jakrta", "did you mean Asia/Jakarta?"),
        ("mon 08:00-18:00 ../../etc/passwd", "is no time zone; give one such as Asia/Jakarta"),
    ],
)
def test_says_what_is_wrong_with_a_window(written: object, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as fault:
        Windows.parse(written)
    assert says in str(fault.value)


def test_reads_days_in_every_form() -> None:
    assert Window.parse("mon-wed,SAT 08:00-09:00 UTC").days == {0, 1, 2, 5}
    assert Window.parse("sat-mon 08:00-09:00 UTC").days == {5, 6, 0}
    assert Window.parse("daily 08:00-09:00 UTC").days == set(range(7))


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - made aware below
    opens=st.integers(0, 23),
    zone=st.sampled_from(["UTC", "Asia/Jakarta", "Europe/Berlin", "America/New_York"]),
)
def test_an_opening_is_where_it_begins_to_hold(now: datetime, opens: int, zone: str) -> None:
    windows = Windows.parse(f"mon,thu {opens:02}:00-{(opens + 1) % 24:02}:00 {zone}")
    at = windows.next_opening(now.replace(tzinfo=UTC))
    assert at
    assert at > now.replace(tzinfo=UTC)
    assert windows.until(at - timedelta(microseconds=1)) is None
    assert windows.until(at) or at.astimezone(ZoneInfo(zone)).hour != opens  # an hour was skipped


def test_one_that_opens_in_the_hour_that_is_skipped_lasts_as_long_as_it_says() -> None:
    """It would end, by the clock, before it begins."""
    windows = Windows.parse("daily 02:30-03:10 Europe/Berlin")
    opens = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert windows.until(opens) == opens + timedelta(minutes=40)
