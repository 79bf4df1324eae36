"""Somebody does something to a container in the middle of its wake, of its drain and of its sleep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker.errors
import pytest

from tests.compose.contained import Contained
from tests.compose.engine import Engine
from tests.compose.test_restarted_engine import (
    ENDS,
    in_the_middle_of_a_drain,
    in_the_middle_of_a_sleep,
    in_the_middle_of_a_wake,
)
from tests.integration.local import HOST
from tests.support import eventually

pytestmark = ENDS


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


class ByHand(Contained):
    """Its container may have another name, or none for a moment."""

    name = HOST

    def app_runs(self) -> bool:
        try:
            return self.engine.status(self.name) == "running"
        except docker.errors.NotFound:
            return False


def paused(stack: ByHand) -> None:
    stack.engine.client.api.pause(stack.name)


def renamed(stack: ByHand) -> None:
    stack.engine.client.api.rename(stack.name, "renamed")
    stack.name = "renamed"


def made_anew(stack: ByHand) -> None:
    api = stack.engine.client.api
    api.remove_container(stack.name, force=True)
    stack.announce(HOST, port=stack.app_port, idle_after="2s")
    api.start(stack.name)


@pytest.mark.parametrize("act", [paused, renamed, made_anew])
@pytest.mark.parametrize(
    "moment", [in_the_middle_of_a_wake, in_the_middle_of_a_drain, in_the_middle_of_a_sleep]
)
def test_the_end_is_right_when_its_container_is(
    moment: Callable[[Contained], None],
    act: Callable[[ByHand], None],
    engine: Engine,
    tmp_path: Path,
) -> None:
    stack = ByHand(tmp_path, engine)
    try:
        moment(stack)
        act(stack)
        eventually(stack.is_asleep, within_s=60, what="nothing runs on, forgotten")
        stack.wake()
        assert stack.get().text == "hello\n"
    finally:
        stack.close()
