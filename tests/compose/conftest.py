from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack
from tests.support import free_port, missing


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skip where no Docker engine answers; where nothing may be skipped, fail."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "ls"], capture_output=True, check=False)  # noqa: S607 - whichever docker the person has
        if asked.returncode == 0:
            return
    missing("a Docker engine that answers, with Compose")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Prepare a stack, not up yet; whatever a test brings up of it is gone afterwards."""
    port = free_port()
    stack = Stack.prepare(f"waitroom-test-{port}", port, tmp_path_factory.mktemp("stack"))
    yield stack
    stack.compose("down", "--volumes", "--timeout=5")
