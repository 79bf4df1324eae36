"""The Docker daemon goes, and comes back, in the middle of a wake, of a drain and of a sleep."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.compose.contained import Contained
from tests.compose.engine import Engine
from tests.integration.local import HOST
from tests.support import eventually

# An engine of each kind, for all tests of that kind.
ENDS, LIVES_ON = (pytest.mark.xdist_group(name) for name in ("engine", "live-restore"))


@pytest.fixture(scope="module")
def engines() -> Iterator[Callable[[bool], Engine]]:
    """One that ends what runs when it comes back, and one that lets it live on."""
    made: dict[bool, Engine] = {}

    def engine(live_restore: bool) -> Engine:  # noqa: FBT001 - it is all that there is to say
        if live_restore not in made:
            made[live_restore] = Engine(live_restore=live_restore)
        return made[live_restore]

    yield engine
    for one in made.values():
        one.close()


def in_the_middle_of_a_wake(stack: Contained) -> None:
    stack.start()
    eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    token = stack.token(stack.get())
    eventually(lambda: stack.is_taken(token), what="the wake is taken")
    eventually(stack.starts_app)


def in_the_middle_of_a_drain(stack: Contained) -> None:
    stack.start_awake()
    eventually((stack.routes / f"{HOST}.draining.yml").exists)


def in_the_middle_of_a_sleep(stack: Contained) -> None:
    stack.start_awake()
    eventually((stack.routes / f"{HOST}.asleep.yml").exists)
    assert stack.app_runs()


@pytest.mark.parametrize(
    ("number", "live_restore"),
    [
        pytest.param(signal.SIGKILL, False, marks=ENDS, id="killed"),
        pytest.param(signal.SIGTERM, False, marks=ENDS, id="ended"),
        pytest.param(signal.SIGKILL, True, marks=LIVES_ON, id="killed-live-restore"),
    ],
)
@pytest.mark.parametrize(
    "moment", [in_the_middle_of_a_wake, in_the_middle_of_a_drain, in_the_middle_of_a_sleep]
)
def test_the_end_is_right_when_the_daemon_is_restarted(
    moment: Callable[[Contained], None],
    number: signal.Signals,
    live_restore: bool,  # noqa: FBT001 - pytest hands it over by name
    engines: Callable[[bool], Engine],
    tmp_path: Path,
) -> None:
    stack = Contained(tmp_path, engines(live_restore))
    try:
        moment(stack)
        stack.engine.end(number)
        somebody_answers(stack)
        stack.engine.start()
        stack.announce("new.test")
        if moment is in_the_middle_of_a_wake:
            eventually(stack.is_awake, what="the wake that was cut off ends well")
        eventually(lambda: is_known(stack, "new.test"), what="one that came meanwhile is known")
        eventually(stack.is_asleep, within_s=60, what="nothing runs on, forgotten")
        stack.wake()
        assert stack.get().text == "hello\n"
        stack.demand_exact_counts()
    finally:
        stack.close()


def somebody_answers(stack: Contained) -> None:
    """Whoever comes while there is no daemon gets the app, or an honest page."""
    for _ in range(10):
        answer = stack.get()
        assert (answer.status_code, "X-Waitroom" in answer.headers) in ((200, False), (503, True))


def is_known(stack: Contained, host: str) -> bool:
    return stack.get(host=host).headers.get("X-Waitroom") == "asleep"
