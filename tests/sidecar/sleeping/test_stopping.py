"""A stop is over when it was once seen to be; whoever wakes the host after that changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sidecar.sleeping import stopping
from waitroom.errors import Reason, UpstreamError
from waitroom.upstreams.base import Phase, Status


class Upstream:
    """Tells each of the phases or errors, and the last for ever."""

    def __init__(self, *told: Phase | Status | UpstreamError) -> None:
        self._told = list(told)
        self.stops = 0

    def start(self) -> None:
        raise AssertionError("nobody asked for that")

    def stop(self) -> None:
        self.stops += 1

    def status(self) -> Status:
        told = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        if isinstance(told, UpstreamError):
            raise told
        return told if isinstance(told, Status) else Status(told)


def test_what_is_woken_right_after_its_stop_has_ended_was_stopped() -> None:
    upstream = Upstream(Phase.RUNNING, Phase.STOPPED, Phase.RUNNING)
    assert stopping.stop(upstream, "a.test").is_over
    assert upstream.stops == 1


def test_a_stop_that_has_only_begun_is_followed_to_its_end_or_to_a_wake() -> None:
    upstream = Upstream(Phase.RUNNING, Phase.STOPPING, Phase.STOPPING, Phase.STOPPED)
    stop = stopping.stop(upstream, "a.test")
    assert not stop.is_over
    assert stop.ends(lambda: False)
    woken = stopping.stop(Upstream(Phase.RUNNING, Phase.STOPPING, Phase.RUNNING), "a.test")
    assert not woken.ends(lambda: True)


def test_who_lost_the_newest_start_of_his_group_was_not_started_again() -> None:
    """The restart policy of one of them did so, and that is nobody's start."""
    newer, older = (
        Status(Phase.RUNNING, datetime(2026, 1, 1, microsecond=number, tzinfo=UTC))
        for number in (2, 1)
    )
    stop = stopping.stop(Upstream(newer, Phase.STOPPING, older), "a.test")
    assert not stop.ends(lambda: True)


def test_what_was_started_by_hand_before_anybody_saw_it_stopped_was_stopped() -> None:
    first, second = (
        Status(Phase.RUNNING, datetime(2026, 1, 1, microsecond=number, tzinfo=UTC))
        for number in (1, 2)
    )
    assert stopping.stop(Upstream(first, first, second), "a.test").is_over
    # A container that is removed and made anew was `removing`.
    stop = stopping.stop(Upstream(first, Phase.STOPPING, first, second), "a.test")
    assert not stop.is_over
    assert stop.ends(lambda: False)


def test_what_was_removed_meanwhile_is_not_asked_about_again() -> None:
    gone = UpstreamError(Reason.MISSING, "there is no container 'a'")
    with pytest.raises(UpstreamError, match="there is no container 'a'"):
        stopping.stop(Upstream(Phase.RUNNING, gone, Phase.STOPPED), "a.test")


def test_a_provider_that_does_not_answer_is_asked_on_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hangs = UpstreamError(Reason.UNREACHABLE, "Docker does not answer")
    upstream = Upstream(Phase.RUNNING, hangs, hangs, hangs, Phase.STOPPED)
    assert stopping.stop(upstream, "a.test").is_over
    [line] = caplog.messages
    assert line == "a.test: Docker does not answer; asking again whether it has stopped"
