"""When an upstream counts as started, whatever the wall clock has been set to since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.record.recorder import Recorder
from sidecar.sleeping.uses import Uses
from waitroom.idle import wished
from waitroom.registry.document import parse
from waitroom.upstreams.base import Phase, Status

COMMAND = {"start": ["a"], "stop": ["b"], "status": ["c"]}
REGISTRY = parse({"hosts": {"a.test": {"command": COMMAND, "url": "http://127.0.0.1:1"}}})
HOST = REGISTRY.hosts["a.test"]
HOUR = timedelta(hours=1)
STOPPED, RUNS = Status(Phase.STOPPED), Status(Phase.RUNNING)


class Boot:
    now_s = 5000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def boot() -> Boot:
    return Boot()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(
        data=tmp_path, access_log=tmp_path / "access.log", registry=REGISTRY, on_canary=print
    )
    yield made
    made.close()


@pytest.fixture
def uses(recorder: Recorder, boot: Boot) -> Uses:
    return Uses(recorder, boot)


def ran_for(uses: Uses, status: Status | None = None) -> float | None:
    """For how many whole seconds it has been running, as far as is known."""
    started = uses.of(HOST, status).started_at
    return started and round((datetime.now(UTC) - started).total_seconds(), -1)


def told(ago: timedelta) -> Status:
    return Status(Phase.RUNNING, datetime.now(UTC) - ago)


def test_a_start_is_as_old_as_the_provider_says(uses: Uses) -> None:
    uses.note(HOST, status := told(HOUR))
    assert ran_for(uses, status) == ran_for(uses) == 3600


def test_a_start_in_the_future_was_when_it_was_first_seen(uses: Uses, boot: Boot) -> None:
    """The clock was set back since; what was started then would be in use until it has caught up."""
    ahead = told(-HOUR)
    assert ran_for(uses, ahead) == -3600
    uses.note(HOST, ahead)
    boot.now_s += 600
    uses.note(HOST, ahead)
    assert ran_for(uses, ahead) == ran_for(uses) == 600


def test_another_start_is_another_run(uses: Uses, boot: Boot) -> None:
    uses.note(HOST, told(-HOUR))
    boot.now_s += 600
    uses.note(HOST, again := told(-2 * HOUR))
    assert ran_for(uses, again) == 0


def test_where_the_provider_does_not_tell_it_began_when_it_was_seen_to_run_again(
    uses: Uses, boot: Boot
) -> None:
    uses.note(HOST, RUNS)
    assert ran_for(uses, RUNS) is None  # it may have run for days
    uses.note(HOST, STOPPED)
    uses.note(HOST, RUNS)
    boot.now_s += 60
    uses.note(HOST, RUNS)
    assert ran_for(uses, RUNS) == ran_for(uses) == 60


def test_the_look_that_an_order_to_sleep_causes_is_no_start(uses: Uses, recorder: Recorder) -> None:
    uses.watched_since -= HOUR
    uses.note(HOST, STOPPED)
    recorder.record({"at": datetime.now(UTC), "host": "a.test", "kind": "sleep_requested"})
    assert recorder.commit()
    uses.note(HOST, RUNS)
    assert wished(uses.of(HOST, RUNS), datetime.now(UTC))


def partly(ago: timedelta) -> Status:
    return Status(Phase.PARTLY, datetime.now(UTC) - ago)


def test_one_of_a_group_that_is_started_by_hand_runs_from_then_on(uses: Uses, boot: Boot) -> None:
    """However long ago the group ran; and the group runs no longer for one that has ended."""
    uses.note(HOST, told(HOUR))
    boot.now_s += 24 * 3600
    uses.note(HOST, STOPPED)
    boot.now_s += 3600
    database = partly(timedelta(seconds=10))
    uses.note(HOST, database)
    assert ran_for(uses, database) == 10
    uses.note(HOST, partly(HOUR))
    assert ran_for(uses, partly(HOUR)) == 3600


def test_what_its_restart_policy_starts_again_runs_since_it_was_seen_to_run(
    uses: Uses, boot: Boot
) -> None:
    uses.note(HOST, STOPPED)
    for status in (RUNS, Status(Phase.RESTARTING), RUNS, Status(Phase.RESTARTING)):
        uses.note(HOST, status)
        boot.now_s += 600
    assert ran_for(uses, RUNS) == 2400


def test_who_used_a_host_before_it_was_registered_has_left_no_trace(uses: Uses) -> None:
    uses.watched_since -= HOUR
    uses.adopt(["b.test"])
    assert uses.of(HOST).watched_since == uses.watched_since
    uses.adopt(["a.test", "b.test"])
    since = uses.of(HOST).watched_since
    assert since > uses.watched_since
    uses.adopt(["a.test"])
    assert uses.of(HOST).watched_since == since
