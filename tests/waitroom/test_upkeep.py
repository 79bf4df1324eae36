"""The sweep mends what others have changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import eventually
from tests.waitroom.fakes import FakeUpstream, a_host, a_vm
from tests.waitroom.house import House
from traefik.folder import Shadow
from waitroom.upstreams.base import Phase, Status

OLD, NEW = "http://10.0.0.2:8080", "http://10.0.0.3:8080"
VM, HOST = a_vm(), a_host(route="own")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def covers(house: House, shadow: str, name: str) -> bool:
    path = house.routes.path / f"{shadow}.asleep.yml"
    return path.exists() and f"Host(`{name}`)" in path.read_text()


def test_each_app_of_a_group_has_its_route_and_one_shadow_covers_all(house: House) -> None:
    group = a_host(aliases={"www.test": None, "office.test": "http://office:80"})
    house.adopt(group)
    house.upkeep.look_at(group)
    for name, url in (("app.test", "http://app:80"), ("office.test", "http://office:80")):
        assert url in (house.routes.path / f"{name}.yml").read_text()
        assert covers(house, "app.test", name)
    assert not (house.routes.path / "www.test.yml").exists()


def a_moved_vm(house: House) -> None:
    upstream = house.upstream(VM)
    upstream.phase, upstream.url = Phase.RUNNING, NEW
    house.routes.lead(VM.names, OLD)
    house.adopt(VM)


def test_a_vm_that_moved_behind_our_back_is_led_to_again(house: House) -> None:
    a_moved_vm(house)
    house.sweep()
    eventually(lambda: house.routes.leads(VM.names, NEW))


def test_a_reload_of_the_registry_keeps_the_route_of_a_vm(house: House) -> None:
    a_moved_vm(house)
    assert house.routes.leads(VM.names, OLD)
    house.adopt()
    assert not house.routes.leads(VM.names, OLD)


def test_a_host_of_a_new_registry_is_found_stopped_at_once(house: House) -> None:
    house.sweep()
    house.adopt(HOST)
    eventually(lambda: house.routes.shadow(HOST.name) is Shadow.ASLEEP, within_s=30)


def test_the_shadow_of_a_sleeping_host_covers_the_names_that_it_is_given(house: House) -> None:
    house.adopt(HOST)
    house.routes.mark_asleep(HOST.names)
    house.adopt(a_host(route="own", aliases=["www.test"]))
    assert covers(house, HOST.name, "www.test")
    house.adopt(HOST)
    assert not covers(house, HOST.name, "www.test")


def test_a_shadow_that_a_wake_will_take_away_is_not_cast_anew(house: House) -> None:
    house.adopt(HOST)
    house.routes.mark_asleep(HOST.names)
    with house.locks.hold(HOST.name):
        house.adopt(a_host(route="own", aliases=["www.test"]))
        assert not covers(house, HOST.name, "www.test")
    house.sweep()
    eventually(lambda: covers(house, HOST.name, "www.test"), within_s=30)


def test_a_name_stays_shadowed_while_its_host_is_renamed(house: House) -> None:
    house.adopt(HOST)
    house.routes.mark_asleep(HOST.names)
    house.adopt(a_host("www.test", route="own", aliases=[HOST.name]))
    assert covers(house, HOST.name, HOST.name)
    house.sweep()
    eventually(lambda: covers(house, "www.test", HOST.name), within_s=30)
    eventually(lambda: house.routes.shadow(HOST.name) is None, within_s=30)


def test_names_that_were_swapped_lead_to_what_is_behind_them_now(house: House) -> None:
    first, second = a_host("a.test", route="own"), a_host("b.test", route="own", url="http://b:80")
    house.upstream(first).phase = Phase.RUNNING
    house.adopt(first, second)
    house.sweep()
    eventually(lambda: house.routes.shadow("b.test") is Shadow.ASLEEP)
    house.adopt(a_host("a.test", route="own", url="http://b:80"), a_host("b.test", route="own"))
    eventually(lambda: house.routes.shadow("a.test") is Shadow.ASLEEP, within_s=30)
    eventually(lambda: house.routes.shadow("b.test") is None, within_s=30)


def test_a_host_that_something_has_happened_to_is_looked_at_without_a_sweep(house: House) -> None:
    house.adopt(HOST)
    for phase, shadow in ((Phase.RUNNING, None), (Phase.STOPPED, Shadow.ASLEEP)) * 2:
        house.upstream(HOST).phase = phase
        house.upkeep.look_at(HOST)
        eventually(lambda shadow=shadow: house.routes.shadow(HOST.name) is shadow)
        eventually(lambda: house.waker.under_way(HOST.name) is None)


@pytest.mark.parametrize("shadow", Shadow)
def test_the_shadow_of_a_host_that_is_gone_goes_and_its_upstream_is_left_alone(
    house: House, shadow: Shadow
) -> None:
    house.upstream(HOST).phase = Phase.RUNNING
    house.sweep()
    house.routes.drain(HOST.names, "proof.invalid")
    if shadow is Shadow.ASLEEP:
        house.routes.fall_asleep(HOST.name)
    house.adopt()
    eventually(lambda: house.routes.shadow(HOST.name) is None, within_s=30)
    assert (house.upstream(HOST).starts, house.upstream(HOST).stops) == (0, 0)


def test_what_may_be_on_its_way_down_is_not_handed_back(house: House) -> None:
    house.routes.mark_asleep(HOST.names)
    house.stops.note_begin(HOST.name)
    house.upstream(HOST).phase = Phase.RUNNING
    after = a_host("next.test", route="own", url="http://next:80")
    house.adopt(HOST, after)
    house.sweep()
    eventually(lambda: house.routes.shadow(after.name), what="the sweep has passed it")
    assert house.routes.shadow(HOST.name) is Shadow.ASLEEP
    assert house.waker.under_way(HOST.name) is None
    house.stops.note_end(HOST.name)
    house.adopt(HOST)
    eventually(lambda: house.routes.shadow(HOST.name) is None, within_s=30)


def test_whoever_is_told_of_is_asked_only_before_something_is_done(house: House) -> None:
    asleep, found = a_host("a.test", url="http://a:80"), a_host("b.test", url="http://b:80")
    house.adopt(asleep, found)
    house.routes.mark_asleep(asleep.names)
    house.upkeep.hear({host.name: Status(Phase.STOPPED) for host in (asleep, found)})
    house.sweep()
    eventually(lambda: house.routes.shadow(found.name) is Shadow.ASLEEP)
    assert [house.upstream(host).looks for host in (asleep, found)] == [0, 1]


class Odd(FakeUpstream):
    """A provider with a fault that nobody foresaw."""

    def status(self) -> Status:
        raise ZeroDivisionError


def test_a_look_that_breaks_costs_no_other_host_its_look(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    odd = a_host("odd.test", docker={"container": "odd"}, url="http://odd")
    house.upstreams[odd.url] = Odd()
    house.adopt(odd, HOST)
    house.sweep()
    eventually(lambda: house.routes.shadow(HOST.name) is Shadow.ASLEEP)
    assert [r.exc_info[0] for r in caplog.records if r.exc_info] == [ZeroDivisionError]


def test_routes_that_could_not_be_written_are_written_by_the_next_sweep(house: House) -> None:
    (house.routes.path / "app.test.yml").mkdir()  # in the way, as a full disk would be
    house.adopt(a_host())
    (house.routes.path / "app.test.yml").rmdir()
    house.sweep()
    eventually((house.routes.path / "app.test.yml").is_file)


class Slow(FakeUpstream):
    """While it answers something is heard of others, and then its answer is too old."""

    house: House

    def status(self) -> Status:
        self.house.upkeep.hear({})
        self.house.statuses.forget("slow.test")
        return super().status()


def test_what_is_heard_in_the_middle_of_a_sweep_costs_no_host_its_look(house: House) -> None:
    slow = a_host("slow.test", docker={"container": "slow"}, url="http://slow")
    house.upstreams[slow.url] = upstream = Slow()
    upstream.house = house
    house.routes.mark_asleep(slow.names)  # so the waiting room looks at it each time
    house.adopt(slow, HOST)
    house.sweep()
    eventually(lambda: house.routes.shadow(HOST.name) is Shadow.ASLEEP)
