from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from tests.support import eventually
from tests.waitroom.fakes import a_host
from waitroom import check
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.hosts import Registry
from waitroom.registry.values import Sleep
from waitroom.upstreams.base import Phase
from waitroom.upstreams.docker import PHASES, Container, client

Make = Callable[..., Container]
Act = Callable[[], None]


@pytest.fixture
def container(engine: docker.DockerClient) -> Iterator[Any]:
    made = engine.containers.create("busybox", ["sleep", "600"], init=True)
    yield made
    made.remove(force=True)


def upstream(engine: docker.DockerClient, name: str, sleep: Sleep = Sleep.STOP) -> Container:
    return Container(lambda: engine, name, sleep)


def test_a_container_starts_and_stops_and_either_twice_is_harmless(
    engine: docker.DockerClient, container: Any
) -> None:
    app = upstream(engine, container.name)
    assert app.status().phase is Phase.STOPPED
    app.start()
    app.start()
    status = app.status()
    assert status.phase is Phase.RUNNING
    assert status.started_at
    app.stop()
    app.stop()
    assert app.status().phase is Phase.STOPPED


def test_a_paused_container_sleeps_and_is_thawed_by_a_start(
    engine: docker.DockerClient, container: Any
) -> None:
    app = upstream(engine, container.name, Sleep.PAUSE)
    app.start()
    app.stop()
    app.stop()
    container.reload()
    assert container.status == "paused"
    assert app.status().phase is Phase.STOPPED
    app.start()
    # The engine goes by its events, too, and that of the pause may come late.
    eventually(lambda: app.status().phase is Phase.RUNNING, what="it is thawed")


@pytest.mark.usefixtures("engine")
def test_a_container_that_saves_its_data_has_its_own_grace_for_it() -> None:
    """Its grace is longer than the engine's default, and longer than other calls may take."""
    impatient = docker.from_env(timeout=5)
    save = "trap 'sleep 11; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    made = impatient.api.create_container("busybox", ["sh", "-c", save], stop_timeout=30)["Id"]
    try:
        app = upstream(impatient, made)
        app.start()
        eventually(lambda: b"ready" in impatient.api.logs(made), what="it can be told to end")
        app.stop()
        assert app.status().phase is Phase.STOPPED
        assert b"saved" in impatient.api.logs(made)
    finally:
        impatient.api.remove_container(made, force=True)
        impatient.close()


def test_a_stop_that_takes_longer_than_any_grace_has_begun(
    answering: Callable[..., str],
) -> None:
    found = b'{"State": {"Status": "running"}, "Config": {"StopTimeout": 0}}'
    at(answering(found), timeout_s=0.5).stop()


def test_a_missing_container_is_named(engine: docker.DockerClient) -> None:
    app = upstream(engine, "no-such-container")
    for ask in (app.status, app.start, app.stop):
        with pytest.raises(UpstreamError, match="'no-such-container'") as error:
            ask()
        assert error.value.reason is Reason.MISSING


def test_a_container_that_cannot_start_is_a_failure_with_dockers_own_words(
    engine: docker.DockerClient,
) -> None:
    made = engine.containers.create("busybox", ["/no/such/program"])
    try:
        with pytest.raises(UpstreamError, match="no such file") as error:
            upstream(engine, made.name).start()
        assert error.value.reason is Reason.FAILED
    finally:
        made.remove(force=True)


@pytest.fixture
def crashing(engine: docker.DockerClient) -> Iterator[Any]:
    """One that ends at once, and that its policy starts again; from then on it stays."""
    once = "test -e /again && exec sleep 600; touch /again; exit 3"
    restart = {"Name": "unless-stopped"}
    made = engine.containers.create(
        "busybox", ["sh", "-c", once], init=True, restart_policy=restart
    )
    yield made
    made.remove(force=True)


def test_a_start_by_its_restart_policy_is_nobodys_use_of_it(
    engine: docker.DockerClient, crashing: Any
) -> None:
    app = upstream(engine, crashing.name)
    app.start()
    eventually(lambda: app.inspect()["RestartCount"] and app.status().detail == "running")
    assert app.status().started_at is None
    app.stop()
    app.start()
    assert app.status().started_at


@pytest.mark.parametrize("sleep", [Sleep.STOP, Sleep.PAUSE])
def test_one_that_ends_again_and_again_costs_until_it_is_stopped(
    engine: docker.DockerClient, sleep: Sleep
) -> None:
    made = engine.containers.create(
        "busybox", ["sh", "-c", "exit 3"], restart_policy={"Name": "unless-stopped"}
    )
    try:
        app = upstream(engine, made.name, sleep)
        app.start()
        eventually(lambda: app.status().phase is Phase.RESTARTING)
        assert app.status().runs
        app.stop()
        assert app.status().phase is Phase.STOPPED
    finally:
        made.remove(force=True)


class Meddled(Container):
    """Somebody does something to it right after it was first looked at."""

    def __init__(self, engine: docker.DockerClient, name: str, sleep: Sleep, act: Act) -> None:
        super().__init__(lambda: engine, name, sleep)
        self._acts = [act]

    def inspect(self) -> dict[str, Any]:
        found = super().inspect()
        while self._acts:
            self._acts.pop()()
        return found


def test_one_that_is_paused_or_thawed_between_look_and_start_runs(
    engine: docker.DockerClient, container: Any
) -> None:
    container.start()
    Meddled(engine, container.name, Sleep.STOP, container.pause).start()
    container.reload()
    assert container.status == "running"
    container.pause()
    Meddled(engine, container.name, Sleep.STOP, container.unpause).start()
    container.reload()
    assert container.status == "running"


def test_one_that_ends_between_look_and_pause_has_ended(
    engine: docker.DockerClient, container: Any
) -> None:
    container.start()
    Meddled(engine, container.name, Sleep.PAUSE, container.kill).stop()
    container.reload()
    assert container.status == "exited"


def test_one_whose_health_check_fails_is_a_finding_as_traefik_serves_it_to_nobody(
    engine: docker.DockerClient,
) -> None:
    ill = {"test": ["CMD", "false"], "interval": 100_000_000, "retries": 1}
    made = engine.containers.create("busybox", ["sleep", "600"], init=True, healthcheck=ill)
    app = upstream(engine, made.name)
    registry = Registry({"app.test": a_host()})

    def findings() -> list[str]:
        return list(check.upstreams(registry, lambda _: app))

    try:
        assert findings() == []
        app.start()
        eventually(findings)
        [finding] = findings()
        assert finding.startswith(f"hosts.'app.test': container {made.name!r} is unhealthy")
        app.stop()
        assert findings() == []
    finally:
        made.remove(force=True)


def test_the_last_exit_status_of_one_that_is_restarted_is_named(
    answering: Callable[..., str],
) -> None:
    body = b'{"State": {"Status": "restarting", "ExitCode": 3}}'
    assert at(answering(body)).status().detail == "restarting after exit status 3"


def test_every_state_that_docker_documents_is_mapped() -> None:
    documented = {"created", "running", "paused", "restarting", "removing", "exited", "dead"}
    assert set(PHASES) == documented


def test_a_state_that_nobody_knows_is_no_answer(answering: Callable[..., str]) -> None:
    body = b'{"State": {"Status": "hovering"}}'
    with pytest.raises(UpstreamError, match="hovering") as error:
        at(answering(body)).status()
    assert error.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("body", [b'{"error": "bad gateway"}', b'["bad gateway"]', b"null"])
def test_what_a_proxy_answers_is_no_answer(answering: Callable[..., str], body: bytes) -> None:
    with pytest.raises(UpstreamError, match="but a proxy's") as error:
        at(answering(body, "502 Bad Gateway")).status()
    assert error.value.reason is Reason.UNREACHABLE


def at(address: str, timeout_s: float = 2) -> Container:
    """A container behind another engine's address, which is first asked when it is used."""
    return Container(
        lambda: docker.DockerClient(base_url=address, version="1.41", timeout=timeout_s),
        "app",
        Sleep.STOP,
    )


def test_an_engine_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    for address in (f"unix://{tmp_path}/no.sock", "tcp://127.0.0.1:1"):
        with pytest.raises(UpstreamError, match="does not answer") as error:
            at(address).status()
        assert error.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("address", ["tcp://docker:port", "tcp://docker:99999", "tcp://[::1"])
def test_an_address_that_is_none_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(UpstreamError, match=r"^DOCKER_HOST: .*; mend it$"):
        Container(client, "app", Sleep.STOP).status()


def test_a_socket_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0)
        uid = os.geteuid()
        if uid == 0:
            tmp_path.chmod(0o755)
            os.seteuid(65534)
        try:
            with pytest.raises(UpstreamError, match="may not be opened") as error:
                at(f"unix://{path}").status()
        finally:
            os.seteuid(uid)
    assert error.value.reason is Reason.PERMISSION


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """An engine of one answer."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(body: bytes, status: str) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    def start(body: bytes, status: str = "200 OK") -> str:
        threading.Thread(target=serve, args=(body, status), daemon=True).start()
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"

    yield start
    server.close()
