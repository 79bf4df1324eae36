"""A group of real containers, in the order that Compose's labels say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import docker
import docker.errors
import pytest

from tests.support import eventually
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.values import Sleep
from waitroom.upstreams.base import Phase
from waitroom.upstreams.docker import Container
from waitroom.upstreams.docker_group import Group

SERVICES = ("web", "db", "cache")
NEEDS = {"web": "db:service_healthy:false,cache:service_started:false"}
# Healthy from the moment on when a test says so.
HEALTH = {"test": ["CMD", "test", "-e", "/healthy"], "interval": 100_000_000}

Make = Callable[..., Any]


@pytest.fixture
def containers(engine: docker.DockerClient) -> Iterator[dict[str, Any]]:
    """Three containers as Compose makes them, not started."""
    project = f"groups-{uuid4().hex[:8]}"
    made = {service: create(engine, project, service) for service in SERVICES}
    yield made
    for container in made.values():
        container.remove(force=True)


def create(engine: docker.DockerClient, project: str, service: str) -> Any:
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.depends_on": NEEDS.get(service, ""),
    }
    health = HEALTH if service == "db" else None
    arguments = {"name": f"{project}-{service}-1", "init": True, "labels": labels}
    return engine.containers.create(
        "busybox", ["sleep", "600"], healthcheck=health, network_mode="none", **arguments
    )


def group(engine: docker.DockerClient, containers: dict[str, Any], **more: Any) -> Group:
    sleep = more.get("sleep", Sleep.STOP)
    return Group([Container(lambda: engine, one.name, sleep) for one in containers.values()])


def phases(app: Group) -> dict[str, Phase]:
    return {member.name: member.phase for member in app.status().members}


def become_healthy(container: Any, app: Group) -> None:
    container.exec_run(["touch", "/healthy"])
    eventually(lambda: phases(app)["db"] is Phase.RUNNING, what="the database is healthy")


def test_starts_each_when_those_that_it_needs_run_and_are_healthy(
    engine: docker.DockerClient, containers: dict[str, Any]
) -> None:
    app = group(engine, containers)
    assert app.status().phase is Phase.STOPPED

    app.start()
    app.start()
    assert app.status().phase is Phase.PARTLY
    assert phases(app) == {
        "web": Phase.STOPPED, "db": Phase.STARTING, "cache": Phase.RUNNING,
    }  # fmt: skip

    become_healthy(containers["db"], app)
    app.start()
    status = app.status()
    assert status.phase is Phase.RUNNING
    assert status.started_at
    assert status.detail == "web: running, db: running, cache: running"


def test_stops_each_before_those_that_it_needs(
    engine: docker.DockerClient, containers: dict[str, Any]
) -> None:
    app = group(engine, containers)
    for container in containers.values():
        container.start()
    app.stop()
    assert app.status().phase is Phase.STOPPED
    ends = {}
    for service, container in containers.items():
        container.reload()
        ends[service] = container.attrs["State"]["FinishedAt"]
    assert ends["web"] < min(ends["db"], ends["cache"])


def test_a_group_is_paused_and_thawed(
    engine: docker.DockerClient, containers: dict[str, Any]
) -> None:
    app = group(engine, containers, sleep=Sleep.PAUSE)
    for container in containers.values():
        container.start()
    become_healthy(containers["db"], app)
    app.stop()
    assert app.status().phase is Phase.STOPPED
    assert all(word.endswith("paused") for word in app.status().detail.split(", "))

    def is_thawed() -> bool:
        app.start()
        return app.status().phase is Phase.RUNNING

    eventually(is_thawed, what="healthy again, and all of it runs")


def test_what_was_stopped_by_hand_is_started_alone(
    engine: docker.DockerClient, containers: dict[str, Any]
) -> None:
    app = group(engine, containers)
    for container in containers.values():
        container.start()
    become_healthy(containers["db"], app)
    containers["cache"].stop(timeout=1)
    assert app.status().phase is Phase.PARTLY
    app.start()
    assert app.status().phase is Phase.RUNNING


def test_one_that_is_missing_is_named_and_nothing_is_known_of_the_others(
    engine: docker.DockerClient, containers: dict[str, Any]
) -> None:
    containers["db"].remove(force=True)
    app = group(engine, containers)
    for ask in (app.status, app.start, app.stop):
        with pytest.raises(UpstreamError, match=r"there is no container '.*-db-1'") as error:
            ask()
        assert error.value.reason is Reason.MISSING
    containers.pop("db")


def test_one_that_ends_after_each_start_is_named(engine: docker.DockerClient) -> None:
    made = engine.containers.create("busybox", ["false"], network_mode="none")
    try:
        app = group(engine, {"web": made, "db": made})
        with pytest.raises(UpstreamError, match=f"container '{made.name}' stopped") as error:
            eventually(app.start)
        assert error.value.reason is Reason.CRASHED
    finally:
        made.remove(force=True)


def test_one_that_ends_again_and_again_is_stopped_with_the_others(
    engine: docker.DockerClient,
) -> None:
    """And the group runs meanwhile, and was not started by anybody."""
    web = engine.containers.create("busybox", ["sleep", "600"], init=True)
    worker = engine.containers.create(
        "busybox", ["sh", "-c", "exit 3"], restart_policy={"Name": "unless-stopped"}
    )
    try:
        app = group(engine, {"web": web, "worker": worker})
        web.start()  # by itself: not of Compose, it would wait for a moment in which the other runs
        app.start()
        eventually(lambda: "restarting after exit status 3" in app.status().detail)
        app.start()
        status = app.status()
        assert status.phase is Phase.RUNNING
        assert status.started_at == group(engine, {"web": web}).status().started_at
        app.stop()
        assert app.status().phase is Phase.STOPPED
    finally:
        for made in (web, worker):
            made.remove(force=True)


def test_a_group_that_cannot_be_ordered_says_why(engine: docker.DockerClient) -> None:
    project = f"groups-{uuid4().hex[:8]}"
    label = {"com.docker.compose.service": "db", "com.docker.compose.project": project}
    circle = {**label, "com.docker.compose.depends_on": "db:service_started:false"}
    web, db = create(engine, project, "web"), engine.containers.create("busybox", labels=circle)
    try:
        with pytest.raises(UpstreamError, match="none of a group can be started first") as error:
            group(engine, {"web": web, "db": db}).status()
        assert error.value.reason is Reason.CONDITION
    finally:
        for container in (web, db):
            container.remove(force=True)
