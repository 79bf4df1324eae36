from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local import Local


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    """A stack that is not started yet; whatever a test starts of it ends with the test."""
    stack = Local(tmp_path)
    yield stack
    stack.close()
