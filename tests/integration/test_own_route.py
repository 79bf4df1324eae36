"""Hosts whose router is not ours: where it leads and how it keeps connections is not ours either."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import yaml

from tests.integration.local import HOST, Local
from tests.support import eventually

MONITOR = {"User-Agent": "UptimeRobot/2.0"}
USER = "visitor:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="  # its password is `secret`


def own(local: Local, *, transport: str | None = "waitroom-app@file", **router: Any) -> None:
    """Give the host a router of its own, written by somebody else."""
    balancer: dict[str, Any] = {"servers": [{"url": f"http://127.0.0.1:{local.app_port}"}]}
    if transport:
        balancer["serversTransport"] = transport
    http = {
        "routers": {"mine": {"rule": f"Host(`{HOST}`)", "service": "mine", **router}},
        "services": {"mine": {"loadBalancer": balancer}},
        "middlewares": {"who": {"basicAuth": {"users": [USER]}}},
    }
    (local.routes / "mine.yml").write_text(yaml.safe_dump({"http": http}))
    local.hosts[HOST]["route"] = "own"
    local.write_hosts()


@pytest.fixture
def other_app(local: Local) -> Iterator[Callable[..., None]]:
    """Let another program be the app."""
    pid = local.data / "other.pid"

    def serve(*argv: str) -> None:
        local.hosts[HOST]["command"] = {
            "start": ["sh", "-c", f"{shlex.join(argv)} >/dev/null 2>&1 & echo $! > {pid}"],
            "stop": ["sh", "-c", f"kill $(cat {pid}); rm {pid}"],
            "status": ["sh", "-c", f"test -e {pid} || exit 1"],
        }

    yield serve
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)


def awake(local: Local) -> Local:
    local.start_awake()
    return local


def has_shadow(local: Local) -> bool:
    return (local.routes / f"{HOST}.asleep.yml").exists()


@contextmanager
def monitored(local: Local) -> Iterator[None]:
    """Let a monitor ask every few seconds, more often than Traefik forgets a connection."""
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(5):
            requests.head(local.url, headers={"Host": HOST, **MONITOR}, timeout=10)

    monitor = threading.Thread(target=ask)
    monitor.start()
    try:
        yield
    finally:
        ended.set()
        monitor.join()


def test_a_route_that_dials_another_address_than_url_keeps_its_upstream_awake(
    local: Local, other_app: Callable[..., None]
) -> None:
    serve = ["-m", "waitroom.demo.app", "serve", "--host", "0.0.0.0", "--port"]  # noqa: S104 - two addresses
    other_app(sys.executable, *serve, str(local.app_port))
    local.hosts[HOST]["url"] = f"http://127.0.0.2:{local.app_port}"
    own(local)
    with awake(local).websocket() as client:
        eventually(lambda: local.events("sleep_called_off"), within_s=25)
        [event] = local.events("sleep_called_off")
        assert event["reason"] == "not_observed"
        assert "`url` must be the address" in event["detail"]
        client.sendall(b"\x81\x80\x00\x00\x00\x00")
        assert client.recv(100)
    assert not local.events("sleep_started")


def test_a_host_that_a_monitor_keeps_asking_sleeps_where_idle_connections_close_soon(
    local: Local,
) -> None:
    own(local)
    with monitored(awake(local)):
        eventually(local.is_asleep, within_s=80)  # an attempt must fit between two questions


def test_a_host_whose_idle_connections_stay_says_how_to_close_them(local: Local) -> None:
    own(local, transport=None)
    with monitored(awake(local)):
        eventually(lambda: "connections" in local.reasons(), within_s=25)
    assert "waitroom-app@file" in local.events("sleep_called_off")[0]["detail"]


def test_an_app_that_closes_every_connection_at_once_sleeps(
    local: Local, other_app: Callable[..., None]
) -> None:
    serve = ["-m", "http.server", "--directory", str(local.routes), str(local.app_port)]
    other_app(sys.executable, *serve)
    own(local, transport=None)
    awake(local)
    eventually(lambda: has_shadow(local) and local.events("slept"), within_s=40)


def test_a_host_that_asks_who_it_is_sleeps_after_somebody_it_knows(local: Local) -> None:
    own(local, middlewares=["who"])
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    token = local.token(local.get())
    assert local.post_wake(token).status_code == 202
    eventually(lambda: local.get().status_code == 401, what="awake")
    eventually(lambda: "not_observed" in local.reasons(), within_s=25)
    assert local.get(auth=("visitor", "secret")).status_code == 200
    eventually(local.is_asleep, within_s=60)


def test_a_host_with_several_routers_is_shadowed_as_a_whole(local: Local) -> None:
    own(local)
    path = local.routes / "mine.yml"
    http = yaml.safe_load(path.read_text())["http"]
    for name, rule in {
        "prefix": f"Host(`{HOST}`) && PathPrefix(`/api`)",
        "method": f"Host(`{HOST}`) && Path(`/orders`) && Method(`GET`)",
        "pattern": r"HostRegexp(`^[a-z]+\.test$`) && PathPrefix(`/shared`)",
    }.items():
        http["routers"][name] = {"rule": rule, "service": "mine", "priority": 100_000}
    path.write_text(yaml.safe_dump({"http": http}))
    awake(local)
    paths = ("/", "/api/x", "/orders", "/shared/y")
    assert [local.get(path).headers.get("X-Waitroom") for path in paths] == [None] * 4
    eventually(local.is_asleep, within_s=60)
    assert [local.get(path).headers.get("X-Waitroom") for path in paths] == ["asleep"] * 4
