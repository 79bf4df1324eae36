"""`python -m sidecar ingest` as a process of its own, ended in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support import eventually

ROOT = Path(__file__).parents[2]
LINES = 300_000  # some tenths of a second, so that reading has not ended when the signal comes
HOSTS = """
hosts:
  a.test: {command: {start: [a], stop: [b], status: [c]}, url: "http://127.0.0.1:1"}
"""
LINE = (
    '{"DownstreamStatus":200,"Duration":1000,"RequestCount":%d,"RequestHost":"a.test",'
    '"ServiceName":"app@file","StartUTC":"2026-01-02T03:00:00.%09dZ"}\n'
)


def start(folder: Path) -> subprocess.Popen[str]:
    settings = {
        "WAITROOM_DATA": str(folder / "data"),
        "WAITROOM_HOSTS": str(folder / "hosts.yaml"),
        "WAITROOM_ACCESS_LOG": str(folder / "logs" / "access.log"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "sidecar", "ingest"], cwd=ROOT, env={**os.environ, **settings},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def reads(process: subprocess.Popen[str], path: Path) -> bool:
    """Whether it has a file open."""
    handles = Path(f"/proc/{process.pid}/fd").iterdir()
    return any(os.path.realpath(handle) == str(path) for handle in handles)


def test_each_line_is_counted_once_though_the_first_try_was_interrupted(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.write_text("".join(LINE % (number, number) for number in range(1, LINES + 1)))

    first = start(tmp_path)
    eventually(lambda: reads(first, log), what="it reads")
    first.send_signal(signal.SIGINT)
    _, said = first.communicate()
    assert (first.returncode, said.strip()) == (130, "")

    second = start(tmp_path)
    out, said = second.communicate()
    assert (second.returncode, said) == (0, ""), out
    [host] = json.loads((tmp_path / "data" / "activity.json").read_text())["hosts"].values()
    assert host["requests"] == LINES
