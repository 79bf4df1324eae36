"""examples/beside-traefik: an app of another project, with two labels of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.edge import Edge, Project, edge
from tests.compose.stack import ROOT, docker, wait_until

pytestmark = pytest.mark.xdist_group("edge")

HOST = "shop.localhost"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with edge(f"waitroom-beside-{os.getpid()}", tmp_path) as made:
        project = made.project(ROOT / "examples" / "beside-traefik" / "shop.yml")
        idle_after(project, "3s")
        with project.up():
            yield project


def idle_after(shop: Project, text: str) -> None:
    """Say how soon the app sleeps."""
    shop.override({"shop": {"labels": {"waitroom.idle_after": text}}})


def is_served(edge: Edge) -> bool:
    """Whether the app itself answers, by its own router."""
    answer = edge.get(HOST)
    return answer.text == "Hello from the shop\n" and "X-Waitroom" not in answer.headers


def test_a_project_that_knows_nothing_of_us_but_two_labels_sleeps_and_wakes(shop: Project) -> None:
    falls_asleep_and_is_woken_with_its_labels_untouched(shop)
    recreated_it_is_the_same_host_and_by_hand_it_stops_and_starts(shop)
    traefik_started_anew_serves_it_awake_and_asleep(shop)
    removed_it_is_no_host_any_more(shop)


def falls_asleep_and_is_woken_with_its_labels_untouched(shop: Project) -> None:
    wait_until("the app is served", lambda: is_served(shop.edge))
    before = shop.found("shop", ".Id"), shop.found("shop", "json .Config.Labels")

    wait_until("the idle app is stopped", lambda: not shop.runs("shop"))
    page = shop.edge.get(HOST, "/orders?page=2")
    assert (page.status_code, page.headers["X-Waitroom"]) == (503, "asleep")
    shop.edge.wake(HOST, page)

    wait_until("the app is served again", lambda: is_served(shop.edge))
    assert (shop.found("shop", ".Id"), shop.found("shop", "json .Config.Labels")) == before


def recreated_it_is_the_same_host_and_by_hand_it_stops_and_starts(shop: Project) -> None:
    before = shop.found("shop", ".Id")
    idle_after(shop, "1h")
    shop.compose("up", "-d", "--timeout=2")
    assert shop.found("shop", ".Id") != before
    wait_until("the new one is served", lambda: is_served(shop.edge))

    docker("stop", "--time=2", shop.container("shop"))
    wait_until("it is led to the waiting room", lambda: shop.edge.state(HOST) == "asleep")
    docker("start", shop.container("shop"))
    wait_until("it is handed back", lambda: is_served(shop.edge), deadline_s=10)


def traefik_started_anew_serves_it_awake_and_asleep(shop: Project) -> None:
    shop.edge.restart_traefik()
    wait_until("the app is served", lambda: is_served(shop.edge))
    docker("stop", "--time=2", shop.container("shop"))
    wait_until("it is led to the waiting room", lambda: shop.edge.state(HOST) == "asleep")
    shop.edge.restart_traefik()
    wait_until("it still is", lambda: shop.edge.state(HOST) == "asleep")


def removed_it_is_no_host_any_more(shop: Project) -> None:
    shop.compose("down", "--timeout=2")
    wait_until("nobody knows the host", lambda: shop.edge.get(HOST).status_code == 404)
