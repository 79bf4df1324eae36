"""examples/group as it stands: two apps with their database and a cache, beside a Traefik."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.edge import Project, edge
from tests.compose.stack import ROOT, docker, wait_until

pytestmark = pytest.mark.xdist_group("edge")

HOST, OFFICE = "orders.localhost", "office.localhost"
SERVICES = ("web", "office", "database", "cache")


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Project]:
    with edge(f"waitroom-group-{os.getpid()}", tmp_path) as made:
        project = made.project(ROOT / "examples" / "group" / "compose.yml")
        project.override({"web": {"labels": {"waitroom.idle_after": "8s"}}})
        with project.up():
            yield project


def is_served(orders: Project) -> bool:
    """Whether both apps answer, by their own routers and with what their database says."""
    answers = orders.edge.get(HOST), orders.edge.get(OFFICE)
    return [answer.text for answer in answers] == ["3 orders\n", "Paid: 3 orders\n"]


def happened(orders: Project, since: float) -> list[tuple[str, str]]:
    """Return what happened to which service: its starts, ends and healths, in order."""
    kinds = ("start", "die", "health_status: healthy")
    lines = docker(
        "events", f"--since={since}", f"--until={time.time()}", "--format={{json .}}",
        f"--filter=label=com.docker.compose.project={orders.name}",
        *(f"--filter=event={kind.partition(':')[0]}" for kind in kinds),
    ).splitlines()  # fmt: skip
    events = [(event["Action"], event["Actor"]["Attributes"]) for event in map(json.loads, lines)]
    return [(of["com.docker.compose.service"], kind) for kind, of in events if kind in kinds]


def test_a_group_sleeps_in_reverse_and_wakes_in_the_order_of_who_needs_whom(
    orders: Project,
) -> None:
    wait_until("the app is served", lambda: is_served(orders))
    awake = time.time()
    wait_until("all of it is stopped", lambda: not any(map(orders.runs, SERVICES)))
    ends = happened(orders, awake)
    assert sorted(ends[:2]) == [("office", "die"), ("web", "die")]
    assert sorted(ends[2:]) == [("cache", "die"), ("database", "die")]

    asleep = time.time()
    page = orders.edge.get(HOST, "/today?page=2")
    assert (page.status_code, page.headers["X-Waitroom"]) == (503, "asleep")
    assert orders.edge.state(OFFICE) == "asleep"
    orders.edge.wake(HOST, page)
    told = set()
    while not is_served(orders):
        told.add(orders.edge.get(HOST, "/.waitroom/status").text)
        assert time.time() - asleep < 60, told
    words = "(office: waiting, cache: running, database: starting, web: waiting)"
    assert any(words in text for text in told), told
    starts = happened(orders, asleep)
    assert sorted(starts[:2]) == [("cache", "start"), ("database", "start")]
    assert starts[2] == ("database", "health_status: healthy")
    assert sorted(starts[3:]) == [("office", "start"), ("web", "start")]

    some_of_it_started_by_hand_it_sleeps_and_the_rest_is_woken(orders)


def some_of_it_started_by_hand_it_sleeps_and_the_rest_is_woken(orders: Project) -> None:
    wait_until("all of it is stopped again", lambda: not any(map(orders.runs, SERVICES)))
    before = time.time()
    docker("start", orders.container("cache"))
    page = orders.edge.get(OFFICE)
    assert (page.status_code, page.headers["X-Waitroom"]) == (503, "asleep")
    orders.edge.wake(OFFICE, page)
    wait_until("the app is served again", lambda: is_served(orders))
    starts = [service for service, kind in happened(orders, before) if kind == "start"]
    assert starts[:2] == ["cache", "database"]
    assert sorted(starts[2:]) == ["office", "web"]
