from __future__ import annotations

import pytest

from sidecar.record.awake import Awake


def awake(*kinds: tuple[str, float]) -> Awake:
    made = Awake()
    for kind, clock_s in kinds:
        name, _, reason = kind.partition(":")
        made.add({"host": "a.test", "kind": name, "reason": reason}, clock_s)
    return made


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [
        ([], None),
        ([("sleep_called_off", 5.0)], None),  # also said of a provider that does not answer
        ([("found_running", 10.0)], 90.0),
        ([("found_stopped", 10.0)], 0.0),
        (
            [("wake_requested", 10.0), ("woken", 15.0), ("sleep_started", 40.0), ("slept", 50.0)],
            40.0,
        ),
        ([("wake_requested", 10.0), ("sleep_started", 40.0), ("stop_failed", 60.0)], 90.0),
        ([("wake_requested", 10.0), ("wake_failed:quota", 12.0)], 2.0),
        ([("wake_requested", 10.0), ("wake_failed:timeout", 12.0)], 90.0),
        ([("woken", 10.0), ("slept", 20.0), ("woken", 30.0), ("found_stopped", 50.0)], 30.0),
        ([("woken", 10.0), ("slept", 20.0), ("slept", 30.0)], 10.0),
    ],
)
def test_a_host_costs_from_its_wake_until_it_was_seen_stopped(
    kinds: list[tuple[str, float]], seconds: float | None
) -> None:
    assert awake(*kinds).seconds("a.test", 100.0) == seconds


def test_each_host_has_a_clock_of_its_own() -> None:
    assert awake(("woken", 10.0)).seconds("b.test", 100.0) is None
