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


def test_a_disk_that_is_nearly_full_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "routes").mkdir()
    assert list(check.disk(settings(tmp_path), low_bytes=1)) == []
    data, routes = check.disk(settings(tmp_path), low_bytes=1 << 62)
    assert data.startswith(f"WAITROOM_DATA: {tmp_path} has ")
    assert routes.startswith(f"WAITROOM_ROUTES: {tmp_path / 'routes'} has ")


def test_a_journal_that_is_not_there_yet_is_no_fault_and_one_that_is_a_folder_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes").mkdir()
    assert list(check.health(settings(tmp_path))) == []
    (tmp_path / "journal.jsonl").mkdir()
    [finding] = check.health(settings(tmp_path))
    assert "journal.jsonl can't be written" in finding


def test_a_folder_that_is_not_there_is_a_finding_and_is_not_made(tmp_path: Path) -> None:
    data, routes = check.health(settings(tmp_path / "data"))
    assert data.startswith(f"WAITROOM_DATA: there is no folder {tmp_path / 'data'}; ")
    assert routes.startswith(f"WAITROOM_ROUTES: there is no folder {tmp_path / 'data/routes'}; ")
    assert list(tmp_path.iterdir()) == []


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
