"""When a wake starts its upstream again, and when it gives up."""

from __future__ import annotations

import pytest

from waitroom.errors import Reason, UpstreamError
from waitroom.patience import Starts
from waitroom.upstreams.base import Phase


def test_what_is_stopped_right_after_its_start_may_just_not_be_up_yet() -> None:
    starts = Starts()
    assert starts.is_due(Phase.STOPPED, 100)
    starts.note(100)
    assert not starts.is_due(Phase.STOPPED, 100.1)
    assert not starts.is_due(Phase.STOPPED, 109.9)


def test_a_start_that_shows_nothing_is_repeated_after_a_pause() -> None:
    starts = Starts()
    starts.note(100)
    assert starts.is_due(Phase.STOPPED, 110)


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.STOPPED}))
def test_what_came_up_and_is_stopped_again_is_started_at_once(phase: Phase) -> None:
    starts = Starts()
    starts.note(100)
    assert not starts.is_due(phase, 101)
    assert starts.is_due(Phase.STOPPED, 101.1)


def test_what_died_three_times_is_not_started_again() -> None:
    starts = Starts()
    for now_s in (1, 2, 3):
        assert starts.is_due(Phase.STOPPED, now_s)
        starts.note(now_s)
        assert not starts.is_due(Phase.RUNNING, now_s + 0.5)
    with pytest.raises(UpstreamError) as raised:
        starts.is_due(Phase.STOPPED, 4)
    assert raised.value.reason is Reason.CRASHED
