"""What is wrong before a process begins is one line that names the variable."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import free_port
from waitroom.errors import ConfigError
from waitroom.preflight import demand_address, demand_folder

HOSTS = """
hosts:
  a.test: {command: {start: [a], stop: [b], status: [c]}, url: "http://127.0.0.1:1"}
"""


@pytest.mark.parametrize("variable", ["WAITROOM_LISTEN", "WAITROOM_ADMIN_LISTEN"])
def test_a_port_that_another_program_has_is_said_by_its_variable(
    tmp_path: Path, variable: str
) -> None:
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {
            **os.environ,
            "WAITROOM_HOSTS": str(tmp_path / "hosts.yaml"),
            "WAITROOM_DATA": str(tmp_path / "data"),
            "WAITROOM_LISTEN": f"127.0.0.1:{free_port()}",
            "WAITROOM_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
            variable: address,
        }
        done = subprocess.run(
            [sys.executable, "-m", "waitroom"], env=environment, capture_output=True, text=True,
            check=False, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {variable}: can't listen at {address} (Address already in use); end what listens"
        " there, or name another address\n"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "localhost"])
def test_a_free_address_is_taken_by_nobody_afterwards(address: str) -> None:
    port = free_port()
    demand_address("WAITROOM_LISTEN", f"{address}:{port}")
    demand_address("WAITROOM_LISTEN", f"{address}:{port}")


def test_a_folder_that_can_not_be_made_is_said_by_its_variable(tmp_path: Path) -> None:
    there = tmp_path / "file"
    there.touch()
    with pytest.raises(ConfigError, match=f"^WAITROOM_DATA: the folder {there} can't be made: "):
        demand_folder("WAITROOM_DATA", there)
