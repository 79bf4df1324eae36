"""`explain` beside a sidecar that runs, asked as a person asks."""

from __future__ import annotations

import socket
import subprocess
import sys

import msgspec

from tests.integration.local import HOST, ROOT, Local
from tests.support import eventually


def explain(local: Local, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "explain", *arguments],
        cwd=ROOT, env=local.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def faults(local: Local) -> set[str]:
    done = explain(local, HOST, "--format", "json")
    assert done.returncode == 0
    return {
        step["name"] for step in msgspec.json.decode(done.stdout)["conditions"] if not step["holds"]
    }


def test_it_says_why_a_host_does_not_sleep_until_it_sleeps(local: Local) -> None:
    assert "nothing is recorded yet" in explain(local, HOST).stderr
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    local.wake()
    # Its body does not come, so it is under way until the visitor goes.
    request = f"POST /echo HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", local.port), timeout=20) as visitor:
        visitor.sendall(request)
        eventually(lambda: faults(local) == {"connections"}, within_s=25)
        eventually(lambda: "connections to" in explain(local, HOST).stdout.splitlines()[-1])
        assert local.app_runs()
    eventually(local.is_asleep, within_s=40)
    assert explain(local, HOST).stdout.startswith(f"{HOST}: does not run\n")


def test_an_unknown_host_is_one_line_and_exit_status_1(local: Local) -> None:
    done = explain(local, "other.test")
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "names no host 'other.test'" in line
