"""The counts of wakes, from the journal's own events."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from waitroom.admin.metrics import Gauges, Wakes
from waitroom.errors import Reason
from waitroom.journal import Journal, JournalError
from waitroom.registry.hosts import Registry
from waitroom.view import State

HOST = "app.test"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def journal(tmp_path: Path, registry: CollectorRegistry) -> Journal:
    hosts = Registry({HOST: a_host(gate="click")})
    return Journal(tmp_path / "journal.jsonl", Wakes(registry, lambda: hosts).add)


def test_a_wake_is_counted_by_gate_and_outcome(
    registry: CollectorRegistry, journal: Journal
) -> None:
    gate = {"host": HOST, "gate": "click"}
    journal.append("wake_requested", HOST, visitor="v", gate="click")
    assert registry.get_sample_value("waitroom_wakes_requested_total", gate) == 1
    journal.append("woken", HOST, took_s=3.0)
    journal.append("wake_failed", HOST, reason=Reason.QUOTA, detail="full")
    for outcome in ("ready", "failed"):
        labels = {**gate, "outcome": outcome}
        assert registry.get_sample_value("waitroom_wakes_total", labels) == 1
    why = {"host": HOST, "reason": "quota"}
    assert registry.get_sample_value("waitroom_wakes_failed_total", why) == 1
    for bucket, count in (("2.5", 0), ("5.0", 1)):
        labels = {"host": HOST, "le": bucket}
        assert registry.get_sample_value("waitroom_wake_seconds_bucket", labels) == count


def test_a_refusal_is_counted_by_its_reason(registry: CollectorRegistry, journal: Journal) -> None:
    journal.append("wake_refused", HOST, reason="spent", until=None)
    labels = {"host": HOST, "reason": "spent"}
    assert registry.get_sample_value("waitroom_refused_total", labels) == 1


def test_what_nobody_registered_becomes_no_label(
    registry: CollectorRegistry, journal: Journal
) -> None:
    journal.append("wake_requested", "gone.test", visitor="v", gate="visit")
    assert not [sample for family in registry.collect() for sample in family.samples]


def test_what_could_not_be_written_is_not_counted(
    registry: CollectorRegistry, journal: Journal
) -> None:
    journal.path.mkdir()
    with pytest.raises(JournalError):
        journal.append("wake_requested", HOST, visitor="v", gate="click")
    assert not [sample for family in registry.collect() for sample in family.samples]


def test_a_host_is_in_one_state(tmp_path: Path, registry: CollectorRegistry) -> None:
    house = House(tmp_path, a_host())
    registry.register(Gauges(lambda: house.registry, house.room, dict))

    def state() -> State:
        [current] = [
            sample.labels["state"]
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "waitroom_host_state" and sample.value
        ]
        return State(current)

    assert state() is State.READY
    house.routes.drain([HOST], "proof.test")
    assert state() is State.DRAINING
    house.routes.fall_asleep(HOST)
    assert state() is State.ASLEEP
    Journal(tmp_path / "journal.jsonl").append("wake_requested", HOST, visitor="v", gate="visit")
    with house.locks.hold(HOST):  # the wake waits for a stop to end
        house.waker.resume(house.registry.find)
        assert state() is State.WAKING
    house.close()


def test_what_is_left_of_a_budget_falls_with_each_wake(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    free = a_host("free.test", url="http://free")
    bound = a_host("bound.test", url="http://b", budget={"wakes_per_day": 3, "awake_per_day": "4h"})
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("wake_requested", bound.name, visitor="v", gate="visit")
    house = House(tmp_path, free, bound)
    registry.register(Gauges(lambda: house.registry, house.room, dict))
    wakes, awake = "waitroom_budget_wakes_left", "waitroom_budget_awake_left_seconds"
    assert registry.get_sample_value(wakes, {"host": free.name}) == 48
    assert registry.get_sample_value(wakes, {"host": bound.name}) == 2
    left_s = registry.get_sample_value(awake, {"host": bound.name})
    assert left_s
    assert 3.9 * 3600 < left_s < 4 * 3600
    assert registry.get_sample_value(awake, {"host": free.name}) is None
    house.close()


def test_a_journal_that_can_not_be_read_leaves_the_rest_of_the_metrics(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    house = House(tmp_path, a_host())
    (tmp_path / "journal.jsonl").mkdir()
    registry.register(Gauges(lambda: house.registry, house.room, dict))
    assert registry.get_sample_value("waitroom_budget_wakes_left", {"host": HOST}) is None
    labels = {"host": HOST, "state": State.READY}
    assert registry.get_sample_value("waitroom_host_state", labels) == 1
    house.close()
