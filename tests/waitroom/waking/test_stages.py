"""Which stage a visitor is told for what the provider says."""

from __future__ import annotations

import pytest

from tests.waitroom.fakes import a_host, a_vm
from waitroom.upstreams.base import Phase, Status
from waitroom.view import MemberState, Stage
from waitroom.waking.stages import MEMBERS, STAGES, stage

DOCKER = a_host(command=None, docker={"container": "app"})


def test_every_phase_has_its_stage() -> None:
    assert set(STAGES) == set(MEMBERS) == set(Phase)
    assert set(MEMBERS.values()) == set(MemberState)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("PROVISIONING", Stage.RESERVING),
        ("STAGING", Stage.PREPARING),
        ("TERMINATED", Stage.STARTING),
    ],
)
def test_a_machine_is_shown_as_its_provider_sees_it(word: str, expected: Stage) -> None:
    assert stage(a_vm(), Status(Phase.STARTING, detail=word)) is expected


def test_a_container_starts_as_a_container_and_then_its_app_is_awaited() -> None:
    assert stage(DOCKER, Status(Phase.STOPPED)) is Stage.CONTAINER
    assert stage(DOCKER, Status(Phase.RUNNING)) is Stage.ANSWERING


def test_no_container_of_a_group_is_the_one_that_is_started() -> None:
    group = a_host(docker={"container": "app", "group": ["db"]})
    assert stage(group, Status(Phase.PARTLY)) is Stage.STARTING
