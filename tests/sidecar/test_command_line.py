"""What the sidecar's commands say to a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sidecar.commands import cli
from waitroom.kinds import Kind


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_time_that_is_none_names_all_forms_of_one(tmp_path: Path, option: str) -> None:
    arguments = ["audit", option, "yesterday"]
    done = CliRunner().invoke(cli, arguments, env={"WAITROOM_DATA": str(tmp_path)})
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    for form in ("7d", "12h", "1h30m", "2026-01-31", "2026-01-31T12:00:00Z", "UTC", "'yesterday'"):
        assert form in told


def test_a_kind_that_is_none_is_wrong_usage_and_all_kinds_are_named(tmp_path: Path) -> None:
    arguments = ["audit", "--kind", "sleept"]
    done = CliRunner().invoke(cli, arguments, env={"WAITROOM_DATA": str(tmp_path)})
    assert done.exit_code == 2
    assert all(f"'{kind}'" in done.stderr for kind in Kind)


def test_a_time_that_ends_before_it_begins_is_wrong_usage(tmp_path: Path) -> None:
    arguments = ["audit", "--since", "1d", "--until", "2d"]
    done = CliRunner().invoke(cli, arguments, env={"WAITROOM_DATA": str(tmp_path)})
    assert done.exit_code == 2
    assert "Invalid value for --since: '1d' is not before '2d'" in done.stderr
