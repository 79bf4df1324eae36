"""kill -9 of each part at random points, under visitors of every kind.

FAULT_KILLS=60 is the long form: 300 kills in all. Each killed process is started again, as whatever
supervises it would; a killed app is not, its visitors wake it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.compose.contained import Contained
from tests.compose.engine import Engine
from tests.faults.stack import AGREES_WITHIN_S, Stack
from tests.faults.visitors import AGENT, Town
from tests.integration.local import HOST
from tests.support import eventually

HONEST = ((200, False), (307, True), (503, True))  # the app's answer, or one of ours
KILLS = int(os.environ.get("FAULT_KILLS", "2"))


@pytest.mark.parametrize("victim", ["sidecar", "waitroom", "traefik", "app"])
@pytest.mark.timeout(120 + 30 * KILLS)
def test_after_a_kill_nothing_is_lost_unreachable_or_left_running(
    stack: Stack, chance: random.Random, tell: Callable[[str], None], victim: str
) -> None:
    stack.start()
    stack.all_asleep()
    seed, kinds = chance.randrange(10**6), ("post", "sse")  # so few that hosts sleep now and then
    with Town(
        stack.url, stack.hosts, stack.routes, wake=stack.try_to_wake, seed=seed, kinds=kinds
    ) as town:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 5))  # the point is random, not waited for
            kill(stack, victim, chance)
            demand_order(stack)
    stack.demand_no_lost_wake()  # before that a host may seem to sleep whose app has just been started
    stack.all_asleep()
    lines = sum(line.get("request_User-Agent") == AGENT for line in stack.log_lines())
    tell(
        f"{KILLS} kills; {len(stack.events('woken'))} wakes, {town.sent()} requests sent,"
        f" {lines} in the log, {len(town.account.faults)} met a fault"
    )
    stack.demand_exact_counts()
    stack.demand_no_fault_of_ours()
    # What a killed Traefik was busy with has no line.
    assert lines <= town.sent() if victim == "traefik" else lines == town.sent()
    if victim == "sidecar":
        assert town.account.faults == []


@pytest.fixture
def contained(tmp_path: Path) -> Iterator[Contained]:
    """The stack over an engine of its own, which may be killed."""
    with closing(Engine()) as engine, closing(Contained(tmp_path, engine)) as made:
        yield made


@pytest.mark.timeout(180 + 60 * KILLS)
def test_after_a_kill_of_the_docker_daemon_nothing_is_lost_unreachable_or_left_running(
    contained: Contained, chance: random.Random, tell: Callable[[str], None]
) -> None:
    contained.start_awake()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 5))  # awake, draining, or on its way down
        contained.engine.free(HOST)
        if chance.random() < 0.5 and contained.is_asleep():
            contained.post_wake(contained.token(contained.get()))  # or on its way up
            time.sleep(chance.uniform(0, 2))
        contained.engine.end(signal.SIGKILL)
        answer = contained.get()
        assert (answer.status_code, "X-Waitroom" in answer.headers) in HONEST
        time.sleep(chance.uniform(0, 1))
        contained.engine.start()
        eventually(lambda: wakes(contained), within_s=60, what="it wakes, or is awake")
    eventually(lambda: sleeps(contained), within_s=60, what="nothing runs on, forgotten")
    tell(
        f"{KILLS} kills; {len(contained.events('woken'))} wakes;"
        f" {contained.engine.freed} times the engine had lost its container, and"
        f" {len(contained.engine.tasks())} apps run on that it knows nothing of"
    )
    contained.demand_exact_counts()


def sleeps(stack: Contained) -> bool:
    stack.engine.free(HOST)
    return stack.is_asleep()


def wakes(stack: Contained) -> bool:
    """Ask once as its page does; whether its app answers already."""
    answer = stack.get()
    if 'name="token"' in answer.text:
        # Its app may be back by then, and busybox breaks off its answer to one POST in two hundred, as
        # it does not read what was sent. The page asks again, too.
        with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
            stack.post_wake(stack.token(answer))
    return answer.status_code == requests.codes.ok and "X-Waitroom" not in answer.headers


def kill(stack: Stack, victim: str, chance: random.Random) -> None:
    if victim == "app":
        stack.kill_app(chance.choice(list(stack.hosts)))
        return
    stack.end(victim, signal.SIGKILL)
    time.sleep(chance.uniform(0, 1))
    stack.spawn(victim)
    if chance.random() < 0.3:  # some die as soon as they live
        time.sleep(chance.uniform(0, 1))
        stack.end(victim, signal.SIGKILL)
        stack.spawn(victim)


def demand_order(stack: Stack) -> None:
    for name in stack.hosts:
        eventually(lambda host=name: stack.answers(host), what=f"{name} is reached")  # type: ignore[misc]
    for name in stack.hosts:
        eventually(
            lambda host=name: stack.agrees(host), within_s=AGREES_WITHIN_S,
            what=f"the shadow of {name} agrees with its app",
        )  # type: ignore[misc]  # fmt: skip
