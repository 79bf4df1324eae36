"""What runs behind a young shadow may end any moment."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from traefik.folder import RouteFolder
from waitroom.locks import HostLocks
from waitroom.stops import Stops

NAME = "app.test"


@pytest.fixture
def routes(tmp_path: Path) -> RouteFolder:
    return RouteFolder(tmp_path)


@pytest.fixture
def stops(routes: RouteFolder) -> Stops:
    return Stops(routes, HostLocks(routes.path))


def test_a_stop_may_be_under_way_until_its_end_was_seen(routes: RouteFolder, stops: Stops) -> None:
    assert not stops.under_way(NAME)
    routes.mark_asleep([NAME])
    assert stops.under_way(NAME)
    stops.note_end(NAME)
    assert not stops.under_way(NAME)


def test_an_end_that_was_seen_is_known_to_the_next_process(
    routes: RouteFolder, stops: Stops
) -> None:
    routes.mark_asleep([NAME])
    stops.note_end(NAME)
    assert not Stops(routes, HostLocks(routes.path)).under_way(NAME)


def test_the_end_of_an_earlier_stop_says_nothing_of_this_one(
    routes: RouteFolder, stops: Stops
) -> None:
    _sleep(routes, ago_s=60)
    stops.note_end(NAME)
    routes.hand_over(NAME)
    stops.note_end(NAME)
    _sleep(routes, ago_s=0)
    assert stops.under_way(NAME)


@pytest.mark.parametrize(("age_s", "believed"), [(110, True), (130, False), (-3600, False)])
def test_no_stop_takes_for_ever_nor_began_in_the_future(
    routes: RouteFolder, stops: Stops, age_s: float, *, believed: bool
) -> None:
    _sleep(routes, ago_s=age_s)
    assert stops.under_way(NAME) is believed


def test_whoever_holds_the_lock_may_be_stopping_it(routes: RouteFolder, stops: Stops) -> None:
    with HostLocks(routes.path).hold(NAME):
        assert stops.under_way(NAME)
        assert not stops.unseen(NAME)


def _sleep(routes: RouteFolder, *, ago_s: float) -> None:
    routes.mark_asleep([NAME])
    at = time.time() - ago_s
    os.utime(routes.path / f"{NAME}.asleep.yml", (at, at))
