"""The compose file as it is shipped: it comes up, its app sleeps and wakes, and it goes down."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from tests.compose.stack import Stack, docker, wait_until

pytestmark = pytest.mark.xdist_group("compose")  # one stack serves all of a file

SERVICES = {"traefik", "waitroom", "sidecar", "socket-proxy", "demo-app"}
TOKEN = re.compile(r"<input[^>]*\bname=[\"']?token\b[^>]*\bvalue=[\"']?([^\"'\s>]+)")
BROWSER = {
    "Host": "app.localhost",
    "Accept": "text/html",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@pytest.fixture(scope="module", autouse=True)
def running(stack: Stack) -> Stack:
    """Bring it up; then an edit, as an editor makes it, lets the app sleep within this hour."""
    stack.edit_hosts("idle_after: 1m ", "idle_after: 1h ")
    stack.up()
    stack.edit_hosts("idle_after: 1h ", "idle_after: 3s ")
    return stack


def get(stack: Stack, path: str = "/") -> requests.Response:
    return requests.get(f"http://127.0.0.1:{stack.port}{path}", headers=BROWSER, timeout=10)


def fall_asleep(stack: Stack) -> requests.Response:
    """Leave the app alone until it sleeps; return what a visitor gets then."""
    wait_until("the idle app is stopped", lambda: stack.status() == "exited")
    return get(stack, "/orders?page=2")


def wake(stack: Stack, page: requests.Response) -> None:
    """Do what the page's form does, then wait for the app's own answer."""
    token = TOKEN.search(page.text)
    assert token, page.text
    url = f"http://127.0.0.1:{stack.port}/.waitroom/wake"
    answer = requests.post(
        url, headers=BROWSER, data={"token": token[1]}, timeout=10, allow_redirects=False
    )
    assert answer.ok, answer.text
    wait_until("the app answers", lambda: "X-Waitroom" not in get(stack).headers)


def inspect(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return what the engine knows of each container, by service."""
    containers = json.loads(docker("inspect", *stack.containers()))
    return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in containers}


def test_everything_is_up_and_well(stack: Stack) -> None:
    containers = inspect(stack)

    assert containers.keys() == SERVICES
    containers.pop("demo-app")  # it was well, or `up` had not returned; it may sleep by now
    for service, container in containers.items():
        assert container["State"]["Health"]["Status"] == "healthy", service


def test_nobody_has_more_than_he_needs(stack: Stack) -> None:
    containers = inspect(stack)

    for service, container in containers.items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["CapAdd"] is None, service
        assert not host["Privileged"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        expected = "0:0" if service == "socket-proxy" else "65532:65532"
        assert container["Config"]["User"] == expected, service
    ports = {
        binding["HostIp"]
        for container in containers.values()
        for bindings in (container["HostConfig"]["PortBindings"] or {}).values()
        for binding in bindings
    }
    assert ports == {"127.0.0.1"}


def test_only_the_proxy_has_the_socket_and_each_user_only_his_own(stack: Stack) -> None:
    sources: dict[str, set[str]] = {}
    for service, container in inspect(stack).items():
        for mount in container["Mounts"]:
            name = mount.get("Name") or mount["Source"]
            sources.setdefault(name.removeprefix(f"{stack.project}_"), set()).add(service)

    engine = {
        service for name, users in sources.items() if "docker.sock" in name for service in users
    }
    assert engine == {"socket-proxy"}
    assert sources["docker-waitroom"] == {"socket-proxy", "waitroom"}
    assert sources["docker-sidecar"] == {"socket-proxy", "sidecar"}


def test_the_dashboard_is_for_this_machine_alone(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.admin_port}"
    assert requests.get(url, timeout=5).url == f"{url}/login"
    assert "waitroom_host_state" in requests.get(f"{url}/metrics", timeout=5).text
    assert "waitroom_host_state" not in get(stack, "/metrics").text  # through Traefik


def test_an_idle_app_sleeps_and_a_visitor_wakes_it_any_number_of_times(stack: Stack) -> None:
    for _ in range(2):
        page = fall_asleep(stack)

        assert page.status_code == 503
        assert page.headers["X-Waitroom"] == "asleep"
        assert page.headers["Cache-Control"] == "no-store"
        assert int(page.headers["Retry-After"]) > 0

        wake(stack, page)

        assert "Hello from app.localhost" in get(stack).text
        assert stack.status() == "running"


def test_an_unknown_host_is_not_found_and_wakes_nothing(stack: Stack) -> None:
    fall_asleep(stack)

    stranger = requests.get(
        f"http://127.0.0.1:{stack.port}/",
        headers={**BROWSER, "Host": "other.localhost"},
        timeout=10,
    )

    assert stranger.status_code == 404
    assert stack.status() == "exited"


@pytest.mark.parametrize("how", ["docker restart", "docker compose restart", "docker kill"])
def test_a_restarted_traefik_gets_its_sidecar_back(stack: Stack, how: str) -> None:
    wake(stack, fall_asleep(stack))
    before = inspect(stack)
    sidecar = before["sidecar"]["State"]["StartedAt"]

    if how == "docker compose restart":
        stack.compose("restart", "traefik")
    elif how == "docker restart":
        docker("restart", before["traefik"]["Id"])
    else:
        docker("kill", before["traefik"]["Id"])
        docker("start", before["traefik"]["Id"])  # a kill by hand counts as a stop by hand

    def is_back() -> bool:
        state = inspect(stack)["sidecar"]["State"]
        return state["StartedAt"] != sidecar and state["Health"]["Status"] == "healthy"

    wait_until("the sidecar is well in Traefik's new network", is_back)
    page = fall_asleep(stack)
    assert page.headers["X-Waitroom"] == "asleep"
    wake(stack, page)


def test_it_is_up_again_after_a_stop_by_hand(stack: Stack) -> None:
    docker("stop", stack.app)

    page = get(stack)

    assert page.status_code == 503
    wake(stack, page)


def test_down_leaves_no_container_and_keeps_what_was_recorded(stack: Stack) -> None:
    fall_asleep(stack)

    stack.compose("down")

    assert stack.containers() == []
    with pytest.raises(requests.ConnectionError):
        get(stack)
    volumes = docker("volume", "ls", "--quiet", "--filter", f"name={stack.project}_").split()
    assert f"{stack.project}_data" in volumes
