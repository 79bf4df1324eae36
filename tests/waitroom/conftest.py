"""What several tests of the waiting room need."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.support import missing


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env()
    except docker.errors.DockerException:
        missing("a Docker engine")
        raise
    yield client
    client.close()
