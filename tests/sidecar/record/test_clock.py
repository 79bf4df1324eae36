"""A wall clock that is set is noticed, one that is only kept right is not."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.record.clock import Clock


class Times:
    def __init__(self) -> None:
        self.wall, self.boot = 1_000_000.0, 50.0

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds

    def clock(self, boot_id: str = "one", known: Any = None) -> Clock:
        return Clock(wall=lambda: self.wall, boot=lambda: self.boot, boot_id=boot_id, known=known)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 2.0])
def test_a_step_is_noticed_once(step_s: float) -> None:
    times = Times()
    clock = times.clock()
    times.pass_s(10)
    assert clock.step_s() == 0
    times.wall += step_s
    assert clock.step_s() == pytest.approx(step_s)
    assert clock.step_s() == 0


def test_time_that_passes_is_no_step() -> None:
    times = Times()
    clock = times.clock()
    times.pass_s(86400)  # a suspend
    times.wall += 20  # and slewing
    assert clock.step_s() == 0


def test_a_step_while_we_were_down_is_noticed() -> None:
    times = Times()
    known = times.clock().document()
    times.pass_s(10)
    times.wall -= 3600
    assert times.clock(known=known).step_s() == pytest.approx(-3600)


def test_another_boot_has_another_clock() -> None:
    times = Times()
    known = times.clock().document()
    times.boot = 1.0
    assert times.clock("two", known).step_s() == 0
