from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gce.server import Gce, Metadata
from tests.integration.local import Local
from tests.integration.vm import metadata_server


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    """A stack that is not started yet; whatever a test starts of it ends with the test."""
    stack = Local(tmp_path)
    yield stack
    stack.close()


@pytest.fixture
def gce() -> Iterator[Gce]:
    with Gce(step_s=0.2) as server:
        yield server


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    with metadata_server() as server:
        yield server
