"""kill -9 of each part at random points, under visitors of every kind.

FAULT_KILLS=75 is the long form: 300 kills in all. Each killed process is started again, as whatever
supervises it would; a killed app is not, its visitors wake it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.stack import AGREES_WITHIN_S, Stack
from tests.faults.visitors import AGENT, Town
from tests.support import eventually

KILLS = int(os.environ.get("FAULT_KILLS", "3"))


@pytest.mark.parametrize("victim", ["sidecar", "waitroom", "traefik", "app"])
@pytest.mark.timeout(120 + 30 * KILLS)
def test_after_a_kill_nothing_is_lost_unreachable_or_left_running(
    stack: Stack, chance: random.Random, tell: Callable[[str], None], victim: str
) -> None:
    stack.start()
    stack.all_asleep()
    seed, kinds = chance.randrange(10**6), ("post", "sse")  # so few that hosts sleep now and then
    with Town(stack.url, stack.hosts, stack.routes, seed=seed, kinds=kinds) as town:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 5))  # the point is random, not waited for
            kill(stack, victim, chance)
            demand_order(stack)
    stack.all_asleep()
    lines = sum(line.get("request_User-Agent") == AGENT for line in stack.log_lines())
    tell(
        f"{KILLS} kills; {len(stack.events('woken'))} wakes, {town.sent()} requests sent,"
        f" {lines} in the log, {len(town.account.faults)} met a fault"
    )
    stack.demand_exact_counts()
    stack.demand_no_lost_wake()
    stack.demand_no_fault_of_ours()
    # What a killed Traefik was busy with has no line.
    assert lines <= town.sent() if victim == "traefik" else lines == town.sent()
    if victim == "sidecar":
        assert town.account.faults == []


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
