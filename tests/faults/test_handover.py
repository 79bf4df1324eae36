"""Sleeping and waking again and again, while visitors of every kind are about.

FAULT_CYCLES=200 is the long form (`make faults`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.stack import Stack
from tests.faults.visitors import Town
from tests.support import eventually

CYCLES = int(os.environ.get("FAULT_CYCLES", "4"))


@pytest.mark.timeout(180 + 10 * CYCLES)
def test_no_visitor_of_any_kind_is_cut_off_and_no_post_is_done_twice(
    stack: Stack, tell: Callable[[str], None]
) -> None:
    stack.start()
    stack.all_asleep()
    with Town(stack.url, stack.hosts, stack.routes, wake=stack.try_to_wake, seed=0) as town:
        eventually(lambda: len(stack.events("slept")) >= CYCLES, within_s=60 + 10 * CYCLES)
    account = town.account
    taken = Counter(line for host in stack.hosts for line in stack.taken(host))
    tell(f"{len(stack.events('slept'))} sleeps; {dict(account.done)}; {len(taken)} bodies taken")
    assert account.faults == []
    cut = [host for host in stack.hosts if (stack.home(host) / "cut").exists()]
    assert cut == [], "an app was stopped in use"
    assert {number: taken[number] for number in account.posted if taken[number] != 1} == {}
    assert account.refused.isdisjoint(taken)
