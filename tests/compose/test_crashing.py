"""A container whose app ends at once, and that its restart policy starts again and again."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.compose.contained import APP, Contained
from tests.compose.engine import Engine
from tests.compose.test_restarted_engine import ENDS
from tests.integration.local import HOST
from tests.support import eventually

pytestmark = ENDS


class Crashing(Contained):
    """Its app ends with exit status 3 until it is mended."""

    def announce(self, host: str, **labels: str) -> None:
        crashes = f"test -e /tmp/mended || exit 3; {APP}"
        super().announce(host, app=crashes, **labels, **{"ready.timeout": "3s"})

    def mend(self) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("mended"))
        self.engine.client.api.put_archive(HOST, "/tmp", archive.getvalue())  # noqa: S108 - not ours


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Crashing]:
    with closing(Engine()) as engine, closing(Crashing(tmp_path, engine)) as made:
        yield made


def test_one_that_ends_again_and_again_is_stopped_after_its_failed_wake_and_wakes_when_mended(
    stack: Crashing,
) -> None:
    stack.start()
    eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    stack.post_wake(stack.token(stack.get()))
    eventually(lambda: stack.events("wake_failed"), within_s=30)
    assert "runs, but its app does not answer" in stack.events("wake_failed")[0]["detail"]
    eventually(lambda: stack.events("slept"), within_s=60, what="nothing crashes on, forgotten")
    assert stack.engine.status(HOST) == "exited"
    stack.mend()
    eventually(lambda: is_taken(stack), within_s=30, what="ten seconds after it failed")
    eventually(stack.is_awake)
    assert stack.get().text == "hello\n"


def is_taken(stack: Crashing) -> bool:
    asked = stack.post_wake(stack.token(stack.get()))
    return asked.status_code == requests.codes.accepted
