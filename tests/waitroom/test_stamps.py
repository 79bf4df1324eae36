from __future__ import annotations

from pathlib import Path

from waitroom.stamps import stamp


def test_what_could_not_be_read_has_another_stamp_once_its_mode_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert stamp(path) is None
    path.touch(0o000)
    before = stamp(path)
    path.chmod(0o644)
    assert stamp(path) != before
