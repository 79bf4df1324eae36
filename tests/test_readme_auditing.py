"""Every command of README's page on auditing runs, and says something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sidecar.record.archive import Archive
from sidecar.record.hours import Hours
from tests.support import missing

ROOT = Path(__file__).parent.parent
SECTION = re.search(
    r"^## Auditing\n.*?(?=^## )", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)
assert SECTION
BLOCKS = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", SECTION[0], re.MULTILINE)
SCRIPTS = [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in BLOCKS]
COMMANDS = [
    command
    for script in SCRIPTS
    for command in ([script] if "<<" in script else script.strip().splitlines())
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    kinds = ["found_stopped", "wake_requested", "woken", "slept", "stop_failed", "wake_failed"]
    events = {
        n: {"at": now - timedelta(minutes=9 - n), "host": "app.localhost", "kind": kind, "reason": "failed"}
        for n, kind in enumerate(kinds, 1)
    }  # fmt: skip
    (tmp_path / "data").mkdir()
    Archive(tmp_path / "data").put({0: {**events[1], "at": "2026-01-01T00:00:00Z"}}, [], now)
    counted = Hours()
    counted.count("app.localhost", 1, 1, 1)
    tables = {
        "hosts": {"1": {"host": "app.localhost", "requests": 1, "last_activity": None}},
        "events": {str(n): event for n, event in events.items()},
        "hours": {"1": counted.take_changed()[0]},
    }
    (tmp_path / "data" / "activity.json").write_bytes(msgspec.json.encode(tables))
    shutil.copy(ROOT / "hosts.yaml", tmp_path)
    return tmp_path


def test_there_are_commands() -> None:
    assert sum(command.startswith("python -m sidecar audit") for command in COMMANDS) >= 5
    assert sum(command.startswith("jq") for command in COMMANDS) >= 4
    assert any("TinyDB" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_runs(command: str, folder: Path) -> None:
    if command.startswith("jq") and shutil.which("jq") is None:
        missing("jq")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
