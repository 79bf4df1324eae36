"""What the commands say to a person."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sidecar.__main__ import cli as sidecar
from waitroom.__main__ import cli as waitroom


@pytest.mark.parametrize("command", [waitroom, sidecar, waitroom.commands["operator"]])
def test_no_summary_of_a_command_is_cut(command: click.Command) -> None:
    said = CliRunner().invoke(command, ["--help"], terminal_width=80).output
    commands = said.partition("Commands:")[2].splitlines()
    assert commands
    assert [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keep", "a.test"], "give either --until 18:00 or --for 2h"),
        (["wake", "a.test"], "the waiting room makes it when it first starts"),
        (["operator", "list"], "Nobody yet; `operator add NAME` gives somebody a token."),
        (["operator", "remove", "ann"], "there is no operator 'ann'; `operator list` shows them"),
    ],
)
def test_a_command_says_the_way_out(tmp_path: Path, arguments: list[str], said: str) -> None:
    environment = {"WAITROOM_DATA": str(tmp_path), "WAITROOM_SECRET_FILE": str(tmp_path / "secret")}
    done = CliRunner().invoke(waitroom, arguments, env=environment)
    assert said in (done.stderr or str(done.exception))
    assert done.stdout == ""
