from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.waitroom.fakes import a_host
from waitroom.journal import JournalError
from waitroom.registry.hosts import Host
from waitroom.waking.openings import Openings

HOST = a_host(awake="mon-fri 08:00-18:00 Asia/Jakarta")
EIGHT = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 08:00 there
S = timedelta(seconds=1)


class Woken:
    """Keeps who was woken, and when the test says that."""

    def __init__(self, expected_s: float | None) -> None:
        self.at: list[timedelta] = []
        self.asleep_since: datetime | None = None
        self.openings = Openings(
            self.wake,
            lambda _: expected_s,
            lambda _: self.asleep_since.timestamp() if self.asleep_since else None,
        )
        self.now = EIGHT
        self.fault: Exception | None = None
        self.begins = True

    def wake(self, _host: Host) -> bool:
        self.at.append(self.now - EIGHT)
        if self.fault:
            raise self.fault
        return self.begins

    def look(self, *seconds: int, host: Host = HOST) -> list[int]:
        for second in seconds:
            self.now = EIGHT + second * S
            self.openings.look([host], self.now)
        return [int(at.total_seconds()) for at in self.at]


@pytest.mark.parametrize(("expected_s", "first"), [(None, -80), (5.0, -20), (600.0, -620)])
def test_is_woken_as_long_before_as_a_wake_takes(expected_s: float | None, first: int) -> None:
    [woken] = Woken(expected_s).look(*range(-900, 60, 10))
    assert woken == first


@pytest.mark.parametrize("expected_s", [None, 5.0, 300.0])
def test_what_is_woken_for_its_window_does_not_sleep_before_it(expected_s: float | None) -> None:
    [woken] = Woken(expected_s).look(*range(-900, 60, 10))
    six = EIGHT + 10 * 3600 * S
    assert {HOST.awake_until(EIGHT + s * S) for s in range(woken, 10)} == {six}
    assert HOST.awake_until(EIGHT - 600 * S) is None


def test_each_opening_wakes_it_once() -> None:
    day = 24 * 3600
    assert Woken(5).look(*range(-60, 60, 10), *range(day - 60, day + 60, 10)) == [-20, day - 20]


@pytest.mark.parametrize("slept_at", [None, 0, 5])
def test_nothing_wakes_what_was_awake_inside_its_window(slept_at: int | None) -> None:
    """Also not one that somebody has stopped since."""
    woken = Woken(5)
    woken.asleep_since = None if slept_at is None else EIGHT + slept_at * S
    assert woken.look(10, 3600, 9 * 3600) == []


def test_what_has_slept_through_its_opening_is_woken_inside_its_window_at_growing_pauses() -> None:
    woken = Woken(5)
    woken.asleep_since = EIGHT - 3600 * S
    looks = woken.look(*range(600, 2000, 10))
    assert looks == [600, 660, 780, 1020, 1500]
    woken.asleep_since = None  # the last has done it
    assert woken.look(3600) == looks
    woken.asleep_since = EIGHT + 9 * 3600 * S
    assert woken.look(10 * 3600, 11 * 3600) == looks


def test_one_whose_wake_has_failed_is_woken_again_when_the_window_opens() -> None:
    woken = Woken(5)
    woken.asleep_since = EIGHT - 3600 * S
    assert woken.look(-20, -10, 0, 10, 50, 60) == [-20, 0, 60]


def test_a_host_without_windows_is_left_alone() -> None:
    assert Woken(5).look(*range(-60, 60, 10), host=a_host()) == []


@pytest.mark.parametrize("fault", [JournalError("full"), OSError(), ZeroDivisionError()])
def test_a_wake_that_fails_ends_nothing(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    woken = Woken(5)
    woken.fault = fault
    assert woken.look(-10) == [-10]
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.parametrize("fault", [JournalError("full"), None])
def test_a_wake_that_could_not_begin_is_tried_again_until_the_window_opens(
    fault: Exception | None,
) -> None:
    woken = Woken(5)
    woken.fault, woken.begins = fault, False
    assert woken.look(-20, -10, 10) == [-20, -10]
    woken = Woken(5)
    woken.fault, woken.begins = fault, False
    woken.look(-20)
    woken.fault, woken.begins = None, True
    assert woken.look(-10, -5) == [-20, -10]


def test_an_opening_that_breaks_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Woken(5).openings.look([HOST], datetime.max.replace(tzinfo=UTC))
    assert [r.exc_info[0] for r in caplog.records if r.exc_info] == [OverflowError]
