"""Discovery with a real Docker engine, and with one that misbehaves as no real one will."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from tests.between import Between
from tests.support import eventually, missing
from waitroom.errors import Reason, UpstreamError
from waitroom.labels.discovery import Change, Discoverer, Listed
from waitroom.labels.labels import Container
from waitroom.upstreams.docker_labels import Labelled


class Seen:
    """What a discoverer told."""

    def __init__(self, engine: Any) -> None:
        self.told: list[dict[str, Container]] = []
        self.happened: list[str] = []
        self.listed: list[Mapping[str, str]] = []
        self._ended = threading.Event()
        discoverer = Discoverer(
            engine, publish=self._publish, happened=self.happened.append, listed=self.listed.append
        )
        self._thread = threading.Thread(target=discoverer.run, args=(self._ended,))
        self._thread.start()
        eventually(lambda: self.told, what="the first list")

    def _publish(self, containers: Iterable[Container]) -> None:
        self.told.append({one.name: one for one in containers})

    def knows(self, name: str) -> bool:
        return name in self.told[-1]

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture
def name() -> str:
    return f"waitroom-labels-{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture
def seen() -> Iterator[Seen]:
    seen = Seen(Labelled())
    yield seen
    seen.close()


@pytest.fixture
def create(engine: docker.DockerClient) -> Iterator[Any]:
    made = []

    def create(name: str, **labels: str) -> Any:
        marked = {"waitroom.enable": "true", "waitroom.host": f"{name}.test", **labels}
        one = engine.containers.create(
            "busybox", ["sleep", "600"], name=name, labels=marked, init=True, ports={"80/tcp": None}
        )
        made.append(one)
        return one

    yield create
    for one in made:
        with contextlib.suppress(docker.errors.NotFound):
            one.remove(force=True)


def test_a_container_that_is_created_is_known_and_one_that_is_removed_is_forgotten(
    seen: Seen, create: Any, name: str
) -> None:
    one = create(name)
    eventually(lambda: seen.knows(name))
    found = seen.told[-1][name]
    assert found.ports == (80,)
    assert found.labels == {"waitroom.enable": "true", "waitroom.host": f"{name}.test"}
    one.remove(force=True)
    eventually(lambda: not seen.knows(name))


def test_what_is_there_already_is_listed_running_or_not(create: Any, name: str) -> None:
    create(name)
    create(f"{name}-2").start()
    seen = Seen(Labelled())
    try:
        assert seen.knows(name)
        assert seen.knows(f"{name}-2")
        assert seen.told[0][name].ports == seen.told[0][f"{name}-2"].ports == (80,)
    finally:
        seen.close()


def test_whatever_happens_to_it_is_told_at_once(seen: Seen, create: Any, name: str) -> None:
    one = create(name)
    eventually(lambda: seen.knows(name))
    for act in (one.start, one.pause, one.unpause, one.kill):
        before = seen.happened.count(name)
        act()
        eventually(lambda before=before: seen.happened.count(name) > before, what=str(act))


def test_others_are_none_of_our_business(seen: Seen, engine: Any, create: Any, name: str) -> None:
    other = engine.containers.create("busybox", ["true"], name=f"{name}-other")
    try:
        create(f"{name}-off", **{"waitroom.enable": "false"})
        create(name)
        eventually(lambda: seen.knows(name))
        assert not seen.knows(f"{name}-other")
        assert not seen.knows(f"{name}-off")
    finally:
        other.remove()


def test_a_new_one_under_the_same_name_is_the_same_and_never_gone(
    seen: Seen, create: Any, name: str
) -> None:
    """As Compose replaces a container: create beside it, remove it, rename, start."""
    old = create(name)
    old.start()
    eventually(lambda: seen.knows(name))
    told = len(seen.told)
    new = create(f"{old.id[:12]}_{name}", **{"waitroom.host": f"{name}.test"})
    old.remove(force=True)
    eventually(lambda: len(seen.told) > told, what="it is told that the old one is gone")
    new.rename(name)  # on a busy machine this, too, may come late
    new.start()
    last = create(f"{name}-last")
    eventually(lambda: seen.knows(last.name))
    assert all(name in one and f"{old.id[:12]}_{name}" not in one for one in seen.told[told:])


def test_after_an_engine_that_was_gone_everything_is_as_it_is_now(
    tmp_path: Path, create: Any, name: str
) -> None:
    path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    if not path.startswith("/"):
        missing("a Docker engine on a unix socket")
    between = Between(tmp_path / "docker.sock", path)
    gone, stays = create(f"{name}-gone"), create(f"{name}-stays")
    labelled = Labelled(lambda: docker.DockerClient(base_url=f"unix://{between.path}", timeout=5))
    seen = Seen(labelled)
    try:
        assert seen.knows(gone.name)
        between.cut()
        gone.remove()
        create(f"{name}-new")
        between.listen()
        eventually(lambda: seen.knows(f"{name}-new"))
        assert not seen.knows(gone.name)
        assert len(seen.listed) == 2
        stays.start()
        eventually(lambda: stays.name in seen.happened, what="events come again")
    finally:
        seen.close()
        between.cut()


class Ill:
    """An engine that can't list, and then can."""

    def __init__(self) -> None:
        self.faults = 2
        self.opened = self.closed = 0

    def changes(self, since_s: int) -> Ill:
        assert abs(time.time() - since_s) < 60
        self.opened += 1
        self._end = threading.Event()
        return self

    def __iter__(self) -> Iterator[Change]:
        self._end.wait()
        return iter(())

    def close(self) -> None:
        self.closed += 1
        self._end.set()

    def all(self) -> dict[str, Listed]:
        self.faults -= 1
        if self.faults >= 0:
            raise UpstreamError(Reason.PERMISSION, "the proxy does not admit it")
        return {"id": Listed(Container("shop", {}), "running")}

    def one(self, key: str) -> Container | None:
        raise AssertionError(key)


def test_a_fault_is_said_once_and_no_stream_is_left_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ill = Ill()
    seen = Seen(ill)
    assert seen.knows("shop")
    seen.close()
    assert (ill.opened, ill.closed) == (3, 3)
    assert caplog.text.count("does not admit") == 1
