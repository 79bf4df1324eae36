from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import eventually
from waitroom.public.turns import WAITING_AT_ONCE, Turns
from waitroom.waking.canary import Leads


class LookOut:
    """Sees the route turn when `turned` is set."""

    def __init__(self) -> None:
        self.turned = threading.Event()
        self.sent: list[str] = []

    def __call__(self, name: str, _wanted: Leads) -> bool:
        self.sent.append(name)
        self.turned.wait()
        return True


def test_many_who_wait_for_one_host_share_one_look_out_and_the_rest_go_on_at_once() -> None:
    look_out = LookOut()
    turns = Turns(look_out)
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(turns.comes_to_lead, "a.test", Leads.ELSEWHERE) for _ in range(40)]
        # Those who find no place are back while nothing has turned.
        eventually(lambda: sum(f.done() for f in waiting) == 40 - WAITING_AT_ONCE)
        assert not any(f.result() for f in waiting if f.done())
        look_out.turned.set()
    assert sum(f.result() for f in waiting) == WAITING_AT_ONCE
    assert look_out.sent == ["a.test"]


def test_each_host_has_its_own_look_out() -> None:
    look_out = LookOut()
    look_out.turned.set()
    turns = Turns(look_out)
    assert turns.comes_to_lead("a.test", Leads.ELSEWHERE)
    assert turns.comes_to_lead("b.test", Leads.ELSEWHERE)
    assert look_out.sent == ["a.test", "b.test"]


def test_a_look_out_that_breaks_holds_nobody() -> None:
    def breaks(_name: str, _wanted: Leads) -> bool:
        raise ZeroDivisionError

    turns = Turns(breaks)
    for _ in range(2 * WAITING_AT_ONCE):
        with pytest.raises(ZeroDivisionError):
            turns.comes_to_lead("a.test", Leads.HERE)
