"""What must hold for a sleep, as far as no real Traefik is needed to see it."""

from __future__ import annotations

import socket

import pytest

from sidecar.sleeping import questions
from tests.waitroom.fakes import a_host
from waitroom.upstreams.base import Member, Phase, Status

RUNS, STOPPED = Phase.RUNNING, Phase.STOPPED


@pytest.mark.parametrize("phase", Phase)
def test_what_runs_can_be_put_to_sleep_also_the_rest_of_a_group(phase: Phase) -> None:
    status = Status(phase, members=(Member("web", "app", RUNS), Member("db", "db", STOPPED)))
    runs = phase in (Phase.RUNNING, Phase.RESTARTING, Phase.PARTLY)
    assert questions.is_running(status).holds is runs


@pytest.mark.parametrize(("app", "quiet"), [(STOPPED, True), (RUNS, False)])
def test_nobody_is_connected_to_an_app_that_is_stopped(app: Phase, *, quiet: bool) -> None:
    """Docker knows no address of one that is; of one that runs, no address is no answer."""
    status = Status(Phase.PARTLY, members=(Member("web", "app", app), Member("db", "db", RUNS)))
    assert questions.is_quiet(a_host(url="http://no-such-name.invalid:80"), status).holds is quiet


ENDED = Phase.RESTARTING


@pytest.mark.parametrize(
    ("status", "quiet"),
    [
        (Status(RUNS), False),
        (Status(ENDED), True),
        (Status(RUNS, members=(Member("web", "app", ENDED), Member("db", "db", RUNS))), True),
        (Status(RUNS, members=(Member("web", "app", RUNS), Member("db", "db", ENDED))), False),
    ],
)
def test_nobody_is_connected_to_an_app_that_has_just_ended(status: Status, *, quiet: bool) -> None:
    """While its restart policy waits, a container is in no network; in another's, one may look."""
    assert questions.is_quiet(a_host(url="http://no-such-name.invalid:80"), status).holds is quiet
    with socket.create_server(("127.0.0.1", 0)) as app:
        host = a_host(url=f"http://127.0.0.1:{app.getsockname()[1]}")
        with socket.create_connection(app.getsockname()):
            assert not questions.is_quiet(host, status).holds


def test_a_visitor_of_either_app_of_a_group_is_connected_to_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as app,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (app, two)]
        group = a_host(url=urls[0], aliases={"two.test": urls[1]})
        assert questions.is_quiet(group, Status(RUNS)).holds
        with socket.create_connection(two.getsockname()):
            answer = questions.is_quiet(group, Status(RUNS))
        assert not answer.holds
        assert f"0 connections to {urls[0]} and 1 connections to {urls[1]}" in answer.text
