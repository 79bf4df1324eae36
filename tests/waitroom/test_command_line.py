"""What the commands say to a person, and how they end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from sidecar.commands import cli as sidecar
from waitroom.commands import cli as waitroom


@pytest.mark.parametrize("command", [waitroom, sidecar, waitroom.commands["operator"]])
def test_no_summary_of_a_command_is_cut(command: click.Command) -> None:
    # On 80 columns click itself takes 78; a given width it takes whole.
    said = CliRunner().invoke(command, ["--help"], terminal_width=78).output
    commands = said.partition("Commands:")[2].splitlines()
    assert commands
    assert [line for line in commands if line.endswith("...")] == []


def all_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from all_commands(below)


@pytest.mark.parametrize(
    "command", [*all_commands(waitroom), *all_commands(sidecar)], ids=lambda command: command.name
)
def test_the_help_of_each_command_says_what_it_does_and_how_it_ends(command: click.Command) -> None:
    said = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=80).output.split())
    assert command.help
    for status in ("0 done", "1 an error", "2 wrong usage", "130 interrupted"):
        assert status in said
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keep", "a.test"], "give either --until 18:00 or --for 2h"),
        (
            ["keep", "a.test", "--until", "9999-12-31T23:59:59-14:00"],
            "got '9999-12-31T23:59:59-14:00'",
        ),
        (["keep", "a.test", "--until", "18"], "expected HH:MM or 2026-01-31T18:00:00Z, got '18'"),
        (["keep", "a.test", "--until", ""], "expected HH:MM or 2026-01-31T18:00:00Z, got ''"),
        (["keep", "../x", "--for", "2h"], "'../x' is no hostname"),
        (["wake", "a.test", "--as", "a b"], "1 to 64 letters, digits and . @ + - _ make one"),
        (["wake", "a.test"], "the waiting room makes it when it first starts"),
        (
            ["operator", "list"],
            "operators.json: nobody yet; `operator add NAME` gives somebody a token.",
        ),
        (["operator", "remove", "ann"], "there is no operator 'ann'; `operator list` shows them"),
    ],
)
def test_a_command_says_the_way_out(tmp_path: Path, arguments: list[str], said: str) -> None:
    environment = {"WAITROOM_DATA": str(tmp_path), "WAITROOM_SECRET_FILE": str(tmp_path / "secret")}
    done = CliRunner().invoke(waitroom, arguments, env=environment)
    assert said in (done.stderr or str(done.exception))
    assert done.stdout == ""


@pytest.mark.parametrize("body", [b'{"status": "ok"}', b'["ok"]', b"ok"])
def test_somebody_else_at_the_admin_listener_is_no_waiting_room(
    tmp_path: Path, body: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

        threading.Thread(target=answer, daemon=True).start()
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "secret").write_bytes(b"s" * 32)
        environment = {"WAITROOM_DATA": str(tmp_path), "WAITROOM_ADMIN_LISTEN": listen}
        done = CliRunner().invoke(waitroom, ["release", "a.test"], env=environment)
    assert str(done.exception).startswith(f"no waiting room answers at http://{listen}")


def ended(*argv: str | bytes, **how: Any) -> subprocess.CompletedProcess[str]:
    how = {"stdout": subprocess.PIPE, **how}
    return subprocess.run(
        [sys.executable, *argv], stderr=subprocess.PIPE, text=True, check=False, timeout=30, **how
    )


INTERRUPTED = """
import os, signal
from waitroom.command_line import run_command

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

def load():
    {}
    import click
    return click.Command("c", callback=interrupt)

run_command(load)
"""


@pytest.mark.parametrize("while_importing", ["interrupt()", ""])
def test_ctrl_c_ends_a_command_quietly_while_it_imports_too(while_importing: str) -> None:
    done = ended("-c", INTERRUPTED.format(while_importing))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


@pytest.mark.parametrize("package", ["waitroom", "sidecar"])
def test_little_is_imported_before_ctrl_c_can_be_met(package: str) -> None:
    done = ended("-c", f"import sys, {package}.__main__; print('click' in sys.modules)")
    assert done.stdout == "False\n"


PROGRAMS = [("waitroom", "token"), ("waitroom", "--help"), ("sidecar", "schema")]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_can_not_be_written_is_one_line(program: tuple[str, str], unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = ended("-m", *program, stdout=full, env=environment)
    assert done.returncode == 1
    assert done.stderr == "Error: standard output: No space left on device\n"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reader_who_has_gone_is_told_nothing(program: tuple[str, str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as gone:
        done = ended("-m", *program, stdout=gone)
    assert (done.returncode, done.stderr) == (1, "")


def test_what_an_output_can_not_show_is_escaped(tmp_path: Path) -> None:
    event = {"at": "2026-01-31T12:00:00Z", "host": "a.test", "kind": "stop_failed", "detail": "✓"}
    (tmp_path / "activity.json").write_text(json.dumps({"events": {"1": event}}))
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "WAITROOM_DATA": str(tmp_path)}
    done = ended("-m", "sidecar", "audit", "--events", env=environment)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "detail=\\u2713")


def test_a_closed_output_is_no_error() -> None:
    done = ended("-m", "waitroom", "token", stdout=None, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [[b"wake", b"a\xff"], [b"operator", b"add", b"\xff"]])
def test_an_argument_that_is_no_text_is_wrong_usage(arguments: list[bytes]) -> None:
    done = ended("-m", "waitroom", *arguments)
    assert done.returncode == 2
    assert "holds bytes that are no UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
