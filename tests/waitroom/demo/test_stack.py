"""What the demonstration says where it can't begin; tests/browser has how it runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support import traefik_program
from waitroom.commands import cli
from waitroom.demo.places import Places
from waitroom.errors import ConfigError, WaitroomError


def demo(folder: Path, *arguments: str) -> Result:
    traefik_program()
    return CliRunner().invoke(cli, ["demo", "--data", str(folder / "demo"), *arguments])


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
@pytest.mark.parametrize("port", ["0", "-1", "70000", "http"])
def test_a_port_that_is_none_is_wrong_usage(tmp_path: Path, option: str, port: str) -> None:
    done = demo(tmp_path, option, port)
    assert done.exit_code == 2
    assert option in done.stderr


def test_two_listeners_need_two_ports(tmp_path: Path) -> None:
    done = demo(tmp_path, "--port", "18999", "--admin-port", "18999")
    assert done.exit_code == 2
    assert "--port and --admin-port need one each" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_a_port_that_somebody_has_is_named_with_the_way_out(tmp_path: Path, address: str) -> None:
    """Traefik listens at every address, so it is in the way at any of them."""
    with socket.create_server((address, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = demo(tmp_path, "--port", port, "--admin-port", "1")
    assert isinstance(done.exception, WaitroomError)
    assert str(done.exception).startswith(f"port {port} can't be used: Address already in use; ")


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    done = demo(tmp_path, "--data", "/dev/null")
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith("--data: the folder /dev/null can't be made: ")


def test_what_the_environment_says_of_another_waiting_room_is_not_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAITROOM_DOCKER_LABELS", "on")
    monkeypatch.setenv("WAITROOM_DATA", "/elsewhere")
    told = Places(tmp_path, 1, 2, 3, 4).environment()
    assert "WAITROOM_DOCKER_LABELS" not in told
    assert told["WAITROOM_DATA"] == str(tmp_path)
