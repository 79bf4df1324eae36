"""Many hosts that sleep and wake all the time: memory and open files stay flat, logs are bounded.

FAULT_SOAK_S=3600 FAULT_HOSTS=50 is the long form.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.stack import Stack
from tests.support import free_port
from waitroom.demo import app_http

SOAK_S = float(os.environ.get("FAULT_SOAK_S", "6"))
HOSTS = int(os.environ.get("FAULT_HOSTS", "6"))
# What an hour may add: the events of two days, which activity.json holds and the sidecar with it,
# and the pools of the allocator.
EVENT_BYTES, GROWTH, GROWTH_BYTES, MORE_FILES = 1000, 1.10, 8 << 20, 12
LOG_BYTES_A_CYCLE = 2000
COMMAND_S = 2  # no command here lasts as long


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Stack]:
    """Each app is a file, and an address of its own at one server."""
    stack = Stack(tmp_path, hosts=0)
    stack.environment["WAITROOM_RELEASE_LOG"] = "on"
    port = free_port()
    for number in range(1, HOSTS + 1):
        state = tmp_path / f"state{number}"
        stack.hosts[f"h{number}.test"] = {
            "command": {
                "start": ["touch", str(state)],
                "stop": ["rm", "-f", str(state)],
                "status": ["test", "-e", str(state)],
            },
            "url": f"http://127.0.1.{number}:{port}",
            "idle_after": "2s",
            "work": 2,
            "budget": {"wakes_per_day": 100_000, "wakes_per_visitor": 100_000},
        }
    stack.write_hosts()
    with app_http.Server("0.0.0.0", port) as server:  # noqa: S104 - many addresses of this machine
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stack
        stack.end_all()
        server.shutdown()


class Meter:
    """Memory and open files of one part: its process, and the children that it has for good.

    A command that it runs is a child, too, and counts for a moment as a second copy of its parent.
    """

    def __init__(self, pid: int) -> None:
        process = psutil.Process(pid)
        old = [c for c in process.children() if time.time() - c.create_time() > COMMAND_S]
        self.processes = [process, *old]
        self.bytes: list[int] = []
        self.files: list[int] = []

    def look(self) -> None:
        self.bytes.append(sum(process.memory_info().rss for process in self.processes))
        self.files.append(sum(process.num_fds() for process in self.processes))

    def is_flat(self, kept_bytes: int) -> bool:
        (first, last), (few, many) = self.thirds(self.bytes), self.thirds(self.files)
        return last - kept_bytes <= first * GROWTH + GROWTH_BYTES and many <= few + MORE_FILES

    def thirds(self, figures: list[int]) -> tuple[float, float]:
        third = len(figures) // 3
        return statistics.median(figures[:third]), statistics.median(figures[-third:])

    def __str__(self) -> str:
        (first, last), (few, many) = self.thirds(self.bytes), self.thirds(self.files)
        return f"{first / 1e6:.0f} -> {last / 1e6:.0f} MB, {few:.0f} -> {many:.0f} files"


def wake_some(town: Stack, chance: random.Random) -> None:
    asleep = [host for host in town.hosts if town.is_shadowed(host)]  # a visit keeps one awake
    for host in chance.sample(asleep, min(5, len(asleep))):
        town.try_to_wake(host)
    time.sleep(0.1)  # what is measured is ours, not this loop


@pytest.mark.timeout(180 + 2 * SOAK_S)
def test_memory_and_open_files_stay_flat_and_logs_are_bounded(
    town: Stack, chance: random.Random, tell: Callable[[str], None]
) -> None:
    town.start()
    while len(town.events("slept")) < HOSTS:  # until then both fill what they keep
        wake_some(town, chance)
    meters = {name: Meter(town.processes[name].pid) for name in ("sidecar", "waitroom")}
    deadline = time.monotonic() + SOAK_S
    while time.monotonic() < deadline:
        wake_some(town, chance)
        for meter in meters.values():
            meter.look()
    cycles = len(town.events("woken"))
    written = sum(len(town.log(name)) for name in meters)
    tell(f"{cycles} wakes; " + "; ".join(f"{name} {meter}" for name, meter in meters.items()))
    assert cycles
    kept_bytes = EVENT_BYTES * len(town.events()) * 2 // 3  # from the first third to the last
    assert meters["sidecar"].is_flat(kept_bytes), str(meters["sidecar"])
    assert meters["waitroom"].is_flat(0), str(meters["waitroom"])
    assert written < LOG_BYTES_A_CYCLE * (cycles + HOSTS)
    assert (town.data / "access.log").stat().st_blocks * 512 < (4 << 20)
    town.demand_no_fault_of_ours()
