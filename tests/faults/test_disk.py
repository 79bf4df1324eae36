"""Disks that are full, read-only or slow, and files that are damaged or of another version.

FAULT_DAMAGES=20 FAULT_FSYNC_S=2 is the long form.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.stack import Stack, stays
from tests.faults.visitors import visited
from tests.integration.local import ROOT
from tests.support import eventually, missing

DAMAGES = int(os.environ.get("FAULT_DAMAGES", "1"))
FSYNC_S = float(os.environ.get("FAULT_FSYNC_S", "1"))
PAGE_BYTES = 4096
# Python runs it before anything else; the interpreter is free meanwhile, as in the real one.
SLOW = """\
import os, time
really = os.fsync
def fsync(file):
    time.sleep({seconds})
    really(file)
os.fsync = fsync
"""


class Disk:
    """A small file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        if not self._mount("-t", "tmpfs", "-o", "size=512k,mode=777", "faults", str(folder)):
            missing("the right to mount a small file system (root, or sudo without a password)")

    def fill(self) -> None:
        # What is left of a file's last page could still be appended to.
        journal = self.folder / "journal.jsonl"
        with journal.open("ab") as file:
            file.write(b"\n" * (-journal.stat().st_size % PAGE_BYTES))
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * PAGE_BYTES):
                    pass
            except OSError:
                return

    def empty(self) -> None:
        (self.folder / "ballast").unlink()

    def make_read_only(self) -> None:
        assert self._mount("-o", "remount,ro", str(self.folder))

    def close(self) -> None:
        subprocess.run([*_as_root(), "umount", "-l", str(self.folder)], check=True)

    def _mount(self, *arguments: str) -> bool:
        argv = [*_as_root(), "mount", *arguments]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def two(disk: Disk, tmp_path: Path) -> Iterator[Stack]:
    """Two hosts whose data is on that disk."""
    made = Stack(tmp_path, hosts=2)
    made.environment["WAITROOM_DATA"] = str(disk.folder)
    yield made
    made.close()


def test_a_full_disk_stops_nobody_starts_nobody_and_loses_nothing(two: Stack, disk: Disk) -> None:
    two.start()
    two.all_asleep()
    two.wake_host("h0.test")
    disk.fill()
    token = two.asked_token("h1.test")
    refused = two.post_wake(token, "h1.test")
    assert (refused.status_code, "can't write down" in refused.text) == (503, True), refused.text
    assert two.app_answers("h0.test")
    eventually(lambda: "can't be written, trying again" in two.log("sidecar"))
    stays(lambda: two.app_pid("h0.test") and not two.is_shadowed("h0.test"), for_s=9)
    assert two.app_pid("h1.test") is None
    disk.empty()
    eventually(lambda: "is written again" in two.log("sidecar"))
    two.wake_host("h1.test")
    two.all_asleep()
    two.demand_exact_counts()
    two.demand_no_fault_of_ours()
    assert two.log("sidecar").count("can't be written") < 5


def test_with_a_read_only_disk_nothing_sleeps_or_wakes_and_each_process_says_why(
    two: Stack, disk: Disk
) -> None:
    disk.make_read_only()
    two.start("waitroom", "traefik")
    two.spawn("sidecar")
    assert two.processes["sidecar"].wait(15) == 1
    [line] = two.log("sidecar").splitlines()
    assert f"{disk.folder}/activity.lock: can't be written: Read-only file system" in line
    readiness = requests.get(f"http://127.0.0.1:{two.admin_port}/readyz", timeout=5)
    assert readiness.status_code == 503
    assert str(disk.folder) in readiness.text
    assert two.post_wake(two.asked_token("h0.test"), "h0.test").status_code == 503
    assert two.app_pid("h0.test") is None
    two.demand_no_fault_of_ours()


@pytest.mark.timeout(120 + 60 * FSYNC_S)
def test_a_slow_disk_costs_patience_and_nothing_else(stack: Stack, tmp_path: Path) -> None:
    """A wake waits for it, as the journal comes first; who is awake does not notice."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOW.format(seconds=FSYNC_S))
    stack.environment["PYTHONPATH"] = f"{tmp_path / 'slow'}:{ROOT}"
    stack.start()
    stack.wake_host("h0.test", within_s=30 + 10 * FSYNC_S)
    with visited(stack, "h0.test") as answers:  # so it is written all the time
        stack.wake_host("h1.test", within_s=30 + 10 * FSYNC_S)
        eventually(lambda: stack.sleeps("h1.test"), within_s=30 + 15 * FSYNC_S)
    assert set(answers) == {200}
    eventually(lambda: stack.sleeps("h0.test"), within_s=30 + 15 * FSYNC_S)
    assert "not_read" not in stack.reasons()
    stack.demand_exact_counts()
    stack.demand_no_lost_wake()
    stack.demand_no_fault_of_ours()


def spoil(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    cut = chance.randrange(1, len(data) - 1)
    begins = max(cut // 2, data.find(b"\n") + 1)  # a hole in the first line: see the test below
    how = {
        "emptied": b"",
        "truncated": data[:cut],
        "garbage": chance.randbytes(len(data)),
        "a hole": data[:begins] + bytes(max(0, cut - begins)) + data[max(begins, cut) :],
    }
    name = chance.choice(list(how))
    print(f"{path.name}: {name}")  # noqa: T201 - pytest shows it with a failure
    path.write_bytes(how[name])


@pytest.mark.parametrize("_round", range(DAMAGES))
def test_a_damaged_activity_json_is_kept_and_counted_again(
    lone: Stack, chance: random.Random, _round: int
) -> None:
    live_a_little(lone)
    lone.end("sidecar")
    spoil(lone.data / "activity.json", chance)
    if chance.random() < 0.5:
        spoil(lone.data / "activity.json.previous", chance)
    damaged = (lone.data / "activity.json").read_bytes()
    lone.wake_host("h0.test")
    lone.start("sidecar")
    lone.all_asleep()
    [aside] = lone.data.glob("activity.json.damaged-*")
    assert aside.read_bytes() == damaged
    assert lone.log("sidecar").count("is damaged and kept as") == 1
    lone.demand_exact_counts()
    lone.demand_no_fault_of_ours()


def test_what_a_newer_version_has_added_survives(lone: Stack) -> None:
    live_a_little(lone)
    lone.end("sidecar")
    rewrite(lone, add_something)
    lone.start("sidecar")
    lone.wake_host("h0.test")
    lone.all_asleep()
    lone.demand_exact_counts()
    found = lone.activity()
    assert found["curves"] == {"1": {"of": "tomorrow"}}
    assert [host["mood"] for host in found["hosts"].values()] == ["fine"]
    assert found["events"]["1"]["mood"] == "fine"


def add_something(tables: dict[str, Any]) -> None:
    tables["curves"] = {"1": {"of": "tomorrow"}}
    for name in ("hosts", "events", "positions"):
        for document in tables[name].values():
            document["mood"] = "fine"


def test_an_activity_json_that_means_something_else_is_left_alone(lone: Stack) -> None:
    live_a_little(lone)
    lone.wake_host("h0.test")
    lone.end("sidecar")

    def change(tables: dict[str, Any]) -> None:
        for document in tables["hosts"].values():
            document["requests"] = {"in all": 3}

    rewrite(lone, change)
    before = (lone.data / "activity.json").read_bytes()
    lone.spawn("sidecar")
    assert lone.processes["sidecar"].wait(15) == 1
    assert "table hosts is not ours" in lone.log("sidecar").splitlines()[-1]
    assert (lone.data / "activity.json").read_bytes() == before
    assert lone.app_answers("h0.test")
    lone.demand_no_fault_of_ours()


@pytest.mark.parametrize("_round", range(DAMAGES))
def test_a_damaged_journal_costs_only_what_it_has_lost(
    lone: Stack, chance: random.Random, _round: int
) -> None:
    live_a_little(lone)
    kept = lone.events()
    for name in ("sidecar", "waitroom"):
        lone.end(name)
    spoil(lone.data / "journal.jsonl", chance)
    lone.start("waitroom", "sidecar")
    lone.wake_host("h0.test")
    lone.all_asleep()
    eventually(lambda: len(lone.events("woken")) > len([e for e in kept if e["kind"] == "woken"]))
    assert [event for event in lone.events() if event in kept] == kept
    lone.demand_no_fault_of_ours()


def test_a_journal_with_a_damaged_first_line_is_not_recorded_twice(lone: Stack) -> None:
    live_a_little(lone)
    kept = lone.events()
    lone.end("sidecar")
    path = lone.data / "journal.jsonl"
    path.write_bytes(b"\0" * 9 + path.read_bytes()[9:])
    lone.start("sidecar")
    eventually(lambda: len(lone.events("watch_started")) == 2)
    assert [event for event in lone.events() if event in kept] == kept


def live_a_little(stack: Stack) -> None:
    """Wake, visit and fall asleep, with all of it recorded."""
    stack.start()
    stack.all_asleep()
    stack.wake_host("h0.test")
    for _ in range(5):
        assert stack.app_answers("h0.test")
    stack.all_asleep()
    eventually(lambda: stack.events("slept"))


def rewrite(stack: Stack, change: Callable[[dict[str, Any]], None]) -> None:
    tables = stack.activity()
    change(tables)
    (stack.data / "activity.json").write_text(json.dumps(tables))
