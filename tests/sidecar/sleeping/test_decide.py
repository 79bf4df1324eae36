"""Who is considered, and when; that a sleep itself is right is shown with the real Traefik."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sidecar.record.recorder import Recorder
from sidecar.sleeping.decide import Decider
from sidecar.sleeping.uses import Uses
from tests.support import eventually, no_threads
from traefik.folder import RouteFolder
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.document import parse
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Phase, Status

COMMAND = {"start": ["a"], "stop": ["b"], "status": ["c"]}
HOST = {"command": COMMAND, "url": "http://127.0.0.1:1", "idle_after": "1s"}
REGISTRY = parse({"hosts": {"a.test": HOST}})


class Providers:
    """Knows which hosts it was asked about; all of them are stopped, until a test says otherwise."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said: Status | UpstreamError = Status(Phase.STOPPED)

    def __call__(self, host: Host) -> Any:
        self.asked.append(host.name)
        return SimpleNamespace(status=self.status)

    def is_listed_stopped(self, _host: Host) -> bool:
        return False

    def note_running(self, _host: Host) -> None:
        pass

    def status(self) -> Status:
        if isinstance(self.said, UpstreamError):
            raise self.said
        return self.said


def test_what_was_missing_has_been_started_when_it_is_there(tmp_path: Path) -> None:
    """Also if it has ended since, and its restart policy has started it."""
    recorder = Recorder(
        data=tmp_path, access_log=tmp_path / "access.log", registry=REGISTRY, on_canary=print
    )
    uses, providers = Uses(recorder), Providers()
    uses.watched_since -= timedelta(hours=1)
    handshake: Any = SimpleNamespace(
        folder=RouteFolder(tmp_path),
        record=lambda *_, **__: None,
        stops=SimpleNamespace(is_cut_short=lambda *_: False),
    )
    decider = Decider(uses, handshake, providers, print)  # type: ignore[arg-type]
    for said in (UpstreamError(Reason.MISSING, "there is none"), Status(Phase.RUNNING)):
        providers.said, looks = said, len(providers.asked)
        decider.look_at_all()
        decider.decide(REGISTRY.hosts.values())
        eventually(lambda before=looks: len(providers.asked) > before)  # type: ignore[misc]
        eventually(lambda: not [t for t in threading.enumerate() if t.name == "sleep-a.test"])
    started_at = uses.of(REGISTRY.hosts["a.test"]).started_at
    assert started_at
    assert datetime.now(UTC) - started_at < timedelta(minutes=1)
    recorder.close()


def test_a_host_for_which_the_system_had_no_thread_is_looked_at_again(
    tmp_path: Path, caplog: Any
) -> None:
    recorder = Recorder(
        data=tmp_path, access_log=tmp_path / "access.log", registry=REGISTRY, on_canary=print
    )
    uses, providers = Uses(recorder), Providers()
    uses.watched_since -= timedelta(hours=1)
    handshake: Any = SimpleNamespace(folder=RouteFolder(tmp_path))
    decider = Decider(uses, handshake, providers, print)  # type: ignore[arg-type]
    with no_threads():
        decider.decide(REGISTRY.hosts.values())
    assert providers.asked == []
    assert "a.test: not put to sleep, the system has no thread left" in caplog.text

    decider.look_at_all()
    decider.decide(REGISTRY.hosts.values())
    eventually(lambda: providers.asked == ["a.test"])
    recorder.close()
