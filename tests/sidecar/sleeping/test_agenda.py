from __future__ import annotations

from sidecar.sleeping.agenda import Agenda


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def agenda(*shadowed: str) -> tuple[Agenda, Clock, set[str]]:
    clock, shadows = Clock(), set(shadowed)
    return Agenda(shadows.__contains__, clock), clock, shadows


def test_a_host_that_nothing_is_known_of_is_due_and_one_that_is_taken_is_not() -> None:
    look, _, _ = agenda()
    assert look.is_due("a.test")
    look.taken.add("a.test")
    assert not look.is_due("a.test")


def test_what_is_put_off_is_due_within_a_minute_all_the_same() -> None:
    look, clock, _ = agenda()
    look.put_off("a.test", 5)
    look.put_off("b.test", 3600)
    clock.now = 5
    assert look.is_due("a.test")
    assert not look.is_due("b.test")
    clock.now = 60
    assert look.is_due("b.test")


def test_a_sleeping_host_is_due_when_its_shadow_goes_or_after_a_while() -> None:
    look, clock, shadows = agenda("a.test", "b.test")
    look.believe_asleep("a.test")
    look.believe_asleep("b.test")
    clock.now = 599
    assert not look.is_due("a.test")
    shadows.remove("b.test")
    assert look.is_due("b.test")
    clock.now = 600
    assert look.is_due("a.test")


def test_pauses_double_after_each_failure_until_it_works() -> None:
    look, clock, _ = agenda()
    pauses = [pause(look, clock) for _ in range(8)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    look.succeed("a.test")
    assert pause(look, clock) == 2


def test_pauses_grow_no_longer_than_idle_after() -> None:
    look, clock, _ = agenda()
    assert [pause(look, clock, longest_s=5) for _ in range(4)] == [2, 4, 5, 5]


def pause(look: Agenda, clock: Clock, longest_s: float = 3600) -> float:
    look.retry("a.test", longest_s)
    began = clock.now
    while not look.is_due("a.test"):
        clock.now += 1
    return clock.now - began


def test_other_rules_put_nothing_off() -> None:
    look, _, _ = agenda()
    look.put_off("a.test", 30)
    look.look_at_all()
    assert look.is_due("a.test")


def test_who_is_called_up_is_due_whatever_a_thread_has_seen_or_planned_meanwhile() -> None:
    look, _, _ = agenda("a.test")
    look.taken.add("a.test")
    look.call_up("a.test")
    look.believe_asleep("a.test")
    look.put_off("a.test", 30)
    assert not look.is_due("a.test")
    look.taken.discard("a.test")
    assert look.is_due("a.test")
    look.put_off("a.test", 30)
    assert not look.is_due("a.test")
