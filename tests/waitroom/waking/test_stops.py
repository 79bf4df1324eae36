"""What runs although its stop has begun may end any moment."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.waitroom.fakes import a_host
from traefik.folder import RouteFolder
from waitroom.locks import HostLocks
from waitroom.upstreams.base import Member, Phase, Status
from waitroom.waking.stops import Stops

HOST = a_host()
NAME = HOST.name


@pytest.fixture
def routes(tmp_path: Path) -> RouteFolder:
    routes = RouteFolder(tmp_path)
    routes.mark_asleep([NAME])
    return routes


@pytest.fixture
def stops(routes: RouteFolder) -> Stops:
    return Stops(routes.path, routes, HostLocks(routes.path))


def test_a_stop_may_be_under_way_until_its_end_was_seen(stops: Stops) -> None:
    assert not stops.under_way(NAME)
    stops.note_begin(NAME)
    assert stops.under_way(NAME)
    stops.note_seen(HOST, Status(Phase.RUNNING))
    assert stops.under_way(NAME)
    stops.note_seen(HOST, Status(Phase.STOPPED))
    assert not stops.under_way(NAME)


def test_a_stop_of_a_group_has_ended_when_its_app_is_down(stops: Stops) -> None:
    stops.note_begin(NAME)
    database = Member("database", "database", Phase.RUNNING)
    for phase, ended in ((Phase.RUNNING, False), (Phase.STOPPED, True)):
        stops.note_seen(HOST, Status(Phase.PARTLY, members=(Member("app", "app", phase), database)))
        assert stops.under_way(NAME) is not ended


def test_what_was_seen_is_known_to_the_next_process(routes: RouteFolder, stops: Stops) -> None:
    stops.note_begin(NAME)
    assert Stops(routes.path, routes, HostLocks(routes.path)).under_way(NAME)
    stops.note_end(NAME)
    assert not Stops(routes.path, routes, HostLocks(routes.path)).under_way(NAME)


def test_the_end_of_an_earlier_stop_says_nothing_of_this_one(stops: Stops) -> None:
    stops.note_begin(NAME)
    stops.note_end(NAME)
    stops.note_begin(NAME)
    assert stops.under_way(NAME)


def test_only_a_stop_of_an_earlier_process_was_cut_short(stops: Stops) -> None:
    assert not stops.is_cut_short(NAME, datetime.now(UTC))
    stops.note_begin(NAME)
    assert not stops.is_cut_short(NAME, datetime.now(UTC) - timedelta(seconds=10))
    assert stops.is_cut_short(NAME, datetime.now(UTC) + timedelta(seconds=10))
    stops.note_end(NAME)
    assert not stops.is_cut_short(NAME, datetime.now(UTC) + timedelta(seconds=10))


def test_who_was_handed_back_is_on_its_way_nowhere(routes: RouteFolder, stops: Stops) -> None:
    stops.note_begin(NAME)
    routes.hand_over(NAME)
    assert not stops.under_way(NAME)


@pytest.mark.parametrize(("age_s", "believed"), [(110, True), (130, False), (-3600, False)])
def test_no_stop_takes_for_ever_nor_began_in_the_future(
    routes: RouteFolder, stops: Stops, age_s: float, *, believed: bool
) -> None:
    stops.note_begin(NAME)
    at = time.time() - age_s
    os.utime(routes.path / "stops" / NAME, (at, at))
    assert stops.under_way(NAME) is believed


def test_whoever_holds_the_lock_may_be_stopping_it(routes: RouteFolder, stops: Stops) -> None:
    with HostLocks(routes.path).hold(NAME):
        assert stops.under_way(NAME)
        assert not stops.unseen(NAME)
