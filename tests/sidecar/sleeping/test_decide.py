"""Who is considered, and when; that a sleep itself is right is shown with the real Traefik."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sidecar.record.recorder import Recorder
from sidecar.sleeping.decide import Decider
from sidecar.sleeping.uses import Uses
from tests.support import eventually, no_threads
from traefik.folder import RouteFolder
from waitroom.registry.document import parse
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Phase, Status

COMMAND = {"start": ["a"], "stop": ["b"], "status": ["c"]}
HOST = {"command": COMMAND, "url": "http://127.0.0.1:1", "idle_after": "1s"}
REGISTRY = parse({"hosts": {"a.test": HOST}})


class Providers:
    """Knows which hosts it was asked about; all of them are stopped."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, host: Host) -> Any:
        self.asked.append(host.name)
        return SimpleNamespace(status=lambda: Status(Phase.STOPPED))


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
