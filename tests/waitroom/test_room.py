"""What a visitor meets."""

from __future__ import annotations

import ipaddress
import os
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support import eventually
from tests.waitroom.fakes import FakeUpstream, a_host
from tests.waitroom.house import House
from traefik.folder import RouteFolder, Shadow
from waitroom.errors import Reason, UpstreamError
from waitroom.language import sentences
from waitroom.language.words import message
from waitroom.public.door import Door
from waitroom.public.turns import Turns
from waitroom.public.web import public_app
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Member, Phase, Status
from waitroom.view import State
from waitroom.waking.budgets import Claim, Proof

HOST = a_host()

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, HOST)


def state(house: House, host: Host = HOST) -> State:
    house.statuses.forget(host.name)
    return house.room.view(host, host.name).state


def client(house: House) -> FlaskClient:
    return public_app(
        registry=lambda: house.registry,
        room=house.room,
        door=Door(b"secret", (ipaddress.ip_network("127.0.0.0/8"),)),
        turns=Turns(lambda *_: False),
    ).test_client()


def test_a_visitor_of_what_may_be_on_its_way_down_is_told_that_it_sleeps(house: House) -> None:
    house.upstream(HOST).phase = Phase.RUNNING
    house.routes.mark_asleep(HOST.names)
    house.stops.note_begin(HOST.name)
    assert state(house) is State.ASLEEP
    assert house.waker.under_way(HOST.name) is None


def test_what_was_seen_stopped_and_runs_was_started(house: House) -> None:
    house.routes.mark_asleep(HOST.names)
    house.stops.note_begin(HOST.name)
    assert state(house) is State.ASLEEP
    house.upstream(HOST).phase = Phase.RUNNING
    assert state(house) is State.READY
    assert house.routes.shadow(HOST.name) is None


def test_what_was_to_be_stopped_long_ago_and_runs_is_handed_back(house: House) -> None:
    house.upstream(HOST).phase = Phase.RUNNING
    house.routes.mark_asleep(HOST.names)
    house.stops.note_begin(HOST.name)
    os.utime(house.routes.path / "stops" / HOST.name, (0, 0))
    assert state(house) is State.READY
    assert house.routes.shadow(HOST.name) is None


@pytest.mark.parametrize(("app", "shadow"), [(Phase.STOPPED, Shadow.ASLEEP), (Phase.RUNNING, None)])
def test_a_group_of_which_not_all_run_can_be_woken_and_its_running_app_is_left_alone(
    house: House, app: Phase, shadow: Shadow | None
) -> None:
    group = house.upstream(HOST)
    group.phase, group.members = (
        Phase.PARTLY,
        (Member("web", "web", app), Member("db", "db", Phase.RUNNING)),
    )
    house.upkeep.look_at(HOST)
    assert house.routes.shadow(HOST.name) is shadow
    assert state(house) is State.ASLEEP
    assert house.waker.under_way(HOST.name) is None

    house.room.wake(HOST, Claim(visitor="v", proof=Proof.WORK))
    eventually(lambda: house.waker.under_way(HOST.name) is None)
    assert state(house) is State.READY


def test_what_was_handed_over_and_can_not_be_asked_about_is_not_woken_and_costs_no_budget(
    house: House,
) -> None:
    upstream = house.upstream(HOST)
    upstream.phase = Phase.RUNNING
    upstream.fault = UpstreamError(Reason.UNREACHABLE, "busy")
    house.statuses.forget(HOST.name)
    house.room.wake(HOST, Claim(visitor="v", proof=Proof.WORK))
    upstream.fault = None
    eventually(lambda: house.waker.under_way(HOST.name) is None)
    assert upstream.starts == 0
    assert "wake_requested" not in [event["kind"] for event in house.journal.events()]
    assert state(house) is State.READY


def test_whose_app_was_ready_a_moment_ago_and_does_not_answer_now_is_asleep(house: House) -> None:
    house.upstream(HOST).phase = Phase.RUNNING
    assert state(house) is State.READY
    eventually(lambda: house.waker.under_way(HOST.name) is None)
    house.upstream(HOST).phase = Phase.STOPPED
    assert house.room.view(HOST, HOST.name, in_doubt=True).state is State.ASLEEP


@pytest.mark.parametrize("reason", Reason)
def test_what_can_not_be_asked_about_is_unknown_where_there_are_words_for_that(
    house: House, reason: Reason
) -> None:
    house.upstream(HOST).fault = UpstreamError(reason, "?")
    is_unknown = reason in sentences.UNKNOWNS
    assert state(house) is (State.UNKNOWN if is_unknown else State.FAILED)


@pytest.mark.parametrize(("route", "state"), [("own", State.WAKING), ("ours", State.READY)])
def test_whose_container_is_unhealthy_is_told_so_where_traefik_goes_by_that(
    tmp_path: Path, route: str, state: State
) -> None:
    host = a_host(route=route)
    house = House(tmp_path, host)
    house.upstream(host).phase, house.upstream(host).trouble = Phase.RUNNING, "is unhealthy"
    view = house.room.view(host, host.name)
    assert view.state is state
    assert ("health check fails" in message(view, "en")) is (route == "own")
    assert house.room.view(host, host.name, in_doubt=True).state is State.READY


def test_who_keeps_an_unhealthy_one_awake_is_sent_on_to_it(tmp_path: Path) -> None:
    host = a_host(route="own")
    house = House(tmp_path, host)
    house.upstream(host).phase, house.upstream(host).trouble = Phase.RUNNING, "db is unhealthy"
    house.routes.drain(HOST.names, "proof.invalid")
    house.room.call_off_sleep(host)
    assert house.room.view(host, host.name).state is State.READY


def test_a_wake_of_what_is_about_to_fall_asleep_calls_that_off_and_costs_no_budget(
    house: House,
) -> None:
    house.upstream(HOST).phase = Phase.RUNNING
    house.routes.drain(HOST.names, "proof.invalid")
    with house.locks.hold(HOST.name):  # by the sidecar, which has not decided yet
        assert house.room.wake(HOST, Claim(visitor="operator", proof=Proof.ORDER))
        assert house.routes.shadow(HOST.name) is None
    assert "wake_requested" not in [event["kind"] for event in house.journal.events()]
    assert state(house) is State.READY


class Slow(FakeUpstream):
    """One whose provider takes its time, as that of a VM does."""

    def status(self) -> Status:
        time.sleep(0.4)
        return super().status()


def test_the_error_of_an_app_is_told_as_such_also_where_its_provider_is_slow(house: House) -> None:
    house.upstreams[HOST.url] = Slow(Phase.RUNNING)
    assert house.room.view(HOST, HOST.name, in_doubt=True).state is State.READY


class FallsAsleep(RouteFolder):
    """A sidecar that commits in the moment between a visitor's look and his unlink."""

    def call_off(self, name: str) -> bool:
        self.fall_asleep(name)
        return super().call_off(name)


def test_a_visitor_who_came_too_late_to_keep_it_awake_may_wake_it(tmp_path: Path) -> None:
    house = House(tmp_path, HOST, routes=FallsAsleep)
    house.routes.drain(HOST.names, "proof.invalid")
    answer = client(house).get("/", headers={"Host": HOST.name, "User-Agent": BROWSER})
    assert (answer.status_code, answer.headers["X-Waitroom"]) == (503, "asleep")


def test_a_wish_right_after_a_failure_hears_why_and_when_to_come_again(house: House) -> None:
    visitor = client(house)
    asked = {"headers": {"Host": HOST.name, "Accept": "application/json", "User-Agent": BROWSER}}
    house.upstream(HOST).fault = UpstreamError(Reason.QUOTA, "used up")
    token = visitor.get("/", **asked).json["wake"]["token"]  # type: ignore[arg-type,index]
    house.waker.wake(HOST, Claim(visitor="v", proof=Proof.WORK))
    wake = house.waker.under_way(HOST.name)
    assert wake is None or wake.ended.wait(10)
    answer = visitor.post("/.waitroom/wake", data={"token": token}, **asked)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["X-Waitroom"]) == (429, "failed")
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.json
    assert answer.json["status"] == 429
    assert "quota is used up" in answer.json["detail"]
    assert "can be tried again in a few seconds" in answer.json["detail"]
