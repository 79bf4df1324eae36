"""A stop is over when it was once seen to be; whoever wakes the host after that changes nothing."""

from __future__ import annotations

from sidecar.sleeping import stopping
from waitroom.upstreams.base import Phase, Status


class Upstream:
    """Tells each of the phases, and the last for ever."""

    def __init__(self, *phases: Phase) -> None:
        self._phases = list(phases)
        self.stops = 0

    def start(self) -> None:
        raise AssertionError("nobody asked for that")

    def stop(self) -> None:
        self.stops += 1

    def status(self) -> Status:
        phase = self._phases.pop(0) if len(self._phases) > 1 else self._phases[0]
        return Status(phase)


def test_what_is_woken_right_after_its_stop_has_ended_was_stopped() -> None:
    upstream = Upstream(Phase.RUNNING, Phase.STOPPED, Phase.RUNNING)
    assert stopping.stop(upstream, "a.test")
    assert upstream.stops == 1


def test_a_stop_that_has_only_begun_is_followed_to_its_end_or_to_a_wake() -> None:
    upstream = Upstream(Phase.STOPPING, Phase.STOPPING, Phase.STOPPED)
    assert not stopping.stop(upstream, "a.test")
    assert stopping.ends(upstream, "a.test", lambda: False)
    assert not stopping.ends(Upstream(Phase.RUNNING), "a.test", lambda: True)
