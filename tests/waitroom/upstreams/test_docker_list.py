"""Which containers do not run, asked of a real engine in one question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from waitroom.upstreams.docker_list import StoppedContainers

LABELS = {"waitroom.enable": "true", "waitroom.host": "listed.test", "waitroom.url": "http://a:80"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def container(engine: docker.DockerClient) -> Iterator[Any]:
    made = engine.containers.create("busybox", ["sleep", "600"], init=True, labels=LABELS)
    yield made
    made.remove(force=True)


def test_one_that_is_stopped_is_so_for_a_minute_or_until_it_is_seen_to_run(
    engine: docker.DockerClient, container: Any
) -> None:
    clock = Clock()
    stopped = StoppedContainers(lambda: engine, clock)
    assert stopped.includes(container.name)
    container.start()
    clock.now = 59
    assert stopped.includes(container.name)
    stopped.discard([container.name])
    assert not stopped.includes(container.name)
    container.kill()
    container.wait()
    assert not stopped.includes(container.name)
    clock.now = 60
    assert stopped.includes(container.name)
    container.start()
    clock.now = 120
    assert not stopped.includes(container.name)


def test_nobody_is_taken_for_stopped_while_the_engine_does_not_answer(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    stopped = StoppedContainers(lambda: docker.DockerClient(base_url=address, version="1.41"))
    assert not stopped.includes("listed")
