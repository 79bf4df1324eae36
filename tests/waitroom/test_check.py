from __future__ import annotations

from pathlib import Path

import pytest

from tests.waitroom.fakes import FakeUpstream, a_host
from waitroom import check
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.hosts import Registry
from waitroom.registry.settings import Settings


def settings(folder: Path, **more: str) -> Settings:
    return Settings.from_environment({"WAITROOM_DATA": str(folder), **more})


def test_an_engine_that_does_not_answer_is_waited_for_once() -> None:
    command = {"command": {what: ["x"] for what in ("start", "stop", "status")}, "docker": None}
    hosts = [a_host("a.test"), a_host("b.test"), a_host("lab.test", **command)]
    silent = FakeUpstream()
    silent.fault = UpstreamError(Reason.UNREACHABLE, "no answer")
    registry = Registry({host.name: host for host in hosts})
    assert list(check.upstreams(registry, lambda _: silent)) == [
        "hosts.'a.test': unreachable: no answer"
    ]
    assert silent.looks == 2


def test_an_engine_that_tells_of_no_label_is_a_finding_where_labels_are_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    assert list(check.labels(settings(tmp_path))) == []
    [finding] = check.labels(settings(tmp_path, WAITROOM_DOCKER_LABELS="on"))
    assert finding.startswith("WAITROOM_DOCKER_LABELS: containers can't be looked for: Docker does")
