from __future__ import annotations

from pathlib import Path

from waitroom import health
from waitroom.registry.settings import Settings


def settings(folder: Path) -> Settings:
    return Settings.from_environment({"WAITROOM_DATA": str(folder)})


def test_a_disk_that_is_nearly_full_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "routes").mkdir()
    assert list(health.disk(settings(tmp_path), low_bytes=1)) == []
    data, routes = health.disk(settings(tmp_path), low_bytes=1 << 62)
    assert data.startswith(f"WAITROOM_DATA: {tmp_path} has ")
    assert routes.startswith(f"WAITROOM_ROUTES: {tmp_path / 'routes'} has ")


def test_a_journal_that_is_not_there_yet_is_no_fault_and_one_that_is_a_folder_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes").mkdir()
    assert list(health.files(settings(tmp_path))) == []
    (tmp_path / "journal.jsonl").mkdir()
    [finding] = health.files(settings(tmp_path))
    assert "journal.jsonl can't be written" in finding


def test_a_folder_that_is_not_there_is_a_finding_and_is_not_made(tmp_path: Path) -> None:
    data, routes = health.files(settings(tmp_path / "data"))
    assert data.startswith(f"WAITROOM_DATA: there is no folder {tmp_path / 'data'}; ")
    assert routes.startswith(f"WAITROOM_ROUTES: there is no folder {tmp_path / 'data/routes'}; ")
    assert list(tmp_path.iterdir()) == []
