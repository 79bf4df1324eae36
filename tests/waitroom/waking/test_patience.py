"""When a wake starts its upstream again, and when it gives up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.waitroom.fakes import a_host
from waitroom.errors import Reason, UpstreamError
from waitroom.upstreams.base import Phase, Status
from waitroom.waking.patience import Patience, Starts, too_late


def test_what_is_stopped_right_after_its_start_may_just_not_be_up_yet() -> None:
    starts = Starts()
    assert starts.is_due(Phase.STOPPED, 100)
    starts.note(Phase.STOPPED, 100)
    assert not starts.is_due(Phase.STOPPED, 100.1)
    assert not starts.is_due(Phase.STOPPED, 109.9)


def test_a_start_that_shows_nothing_is_repeated_after_a_pause() -> None:
    starts = Starts()
    starts.note(Phase.STOPPED, 100)
    assert starts.is_due(Phase.STOPPED, 110)


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.STOPPED, Phase.PARTLY}))
def test_what_came_up_and_is_stopped_again_is_started_at_once(phase: Phase) -> None:
    starts = Starts()
    starts.note(Phase.STOPPED, 100)
    assert not starts.is_due(phase, 101)
    assert starts.is_due(Phase.STOPPED, 101.1)


def test_a_group_is_started_again_and_again_until_all_of_it_runs() -> None:
    starts = Starts()
    for now_s in range(9):
        assert starts.is_due(Phase.PARTLY, now_s)
        starts.note(Phase.PARTLY, now_s)
    assert starts.is_due(Phase.STOPPED, 10)


def test_what_died_three_times_is_not_started_again() -> None:
    starts = Starts()
    for now_s in (1, 2, 3):
        assert starts.is_due(Phase.STOPPED, now_s)
        starts.note(Phase.STOPPED, now_s)
        assert not starts.is_due(Phase.RUNNING, now_s + 0.5)
    with pytest.raises(UpstreamError) as raised:
        starts.is_due(Phase.STOPPED, 4)
    assert raised.value.reason is Reason.CRASHED


def test_what_is_too_late_has_the_last_word_of_its_provider() -> None:
    error = too_late(a_host(), "does not run", Status(Phase.STARTING, detail="restarting"))
    assert str(error).endswith("(ready.timeout); its provider says 'restarting'")


def test_a_wake_from_before_the_clock_was_set_back_has_no_more_time_than_any() -> None:
    host = a_host(ready={"timeout": "1s"})
    patience = Patience(host, datetime.now(UTC) + timedelta(days=9))

    def go_on() -> None:
        for _ in range(10):  # 2 s
            patience.pause(too_late(host, "runs"))

    with pytest.raises(UpstreamError, match="after 1 s"):
        go_on()
