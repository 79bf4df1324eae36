"""Fifty hosts that sleep and wake all the time: memory and open files stay flat, logs are bounded.

FAULT_SOAK_S=3600 is the long form.
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
from waitroom import demo_http

SOAK_S = float(os.environ.get("FAULT_SOAK_S", "15"))
HOSTS = 50
# What an hour may add for what is remembered on purpose: events, and the pools of the allocator.
GROWTH, GROWTH_BYTES, MORE_FILES = 1.10, 8 << 20, 12
LOG_BYTES_A_CYCLE = 2000


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
        }
    stack.write_hosts()
    with demo_http.Server("0.0.0.0", port) as server:  # noqa: S104 - fifty addresses of this machine
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stack
        for name in tuple(stack.processes):
            stack.end(name)
        server.shutdown()


class Meter:
    """Memory and open files of one part, its children included."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.bytes: list[int] = []
        self.files: list[int] = []

    def look(self) -> None:
        parent = psutil.Process(self.pid)
        ours = [parent, *(p for p in parent.children() if "python" in p.name())]
        self.bytes.append(sum(process.memory_info().rss for process in ours))
        self.files.append(sum(process.num_fds() for process in ours))

    def is_flat(self) -> bool:
        (first, last), (few, many) = self.thirds(self.bytes), self.thirds(self.files)
        return last <= first * GROWTH + GROWTH_BYTES and many <= few + MORE_FILES

    def thirds(self, figures: list[int]) -> tuple[float, float]:
        third = len(figures) // 3
        return statistics.median(figures[:third]), statistics.median(figures[-third:])

    def __str__(self) -> str:
        (first, last), (few, many) = self.thirds(self.bytes), self.thirds(self.files)
        return f"{first / 1e6:.0f} -> {last / 1e6:.0f} MB, {few:.0f} -> {many:.0f} files"


@pytest.mark.timeout(180 + 2 * SOAK_S)
def test_memory_and_open_files_stay_flat_and_logs_are_bounded(
    town: Stack, chance: random.Random, tell: Callable[[str], None]
) -> None:
    town.start()
    meters = {name: Meter(town.processes[name].pid) for name in ("sidecar", "waitroom")}
    deadline = time.monotonic() + SOAK_S
    while time.monotonic() < deadline:
        for host in chance.sample(list(town.hosts), 5):
            town.try_to_wake(host)
        for meter in meters.values():
            meter.look()
    cycles = len(town.events("woken"))
    written = sum(len(town.log(name)) for name in meters)
    tell(f"{cycles} wakes; " + "; ".join(f"{name} {meter}" for name, meter in meters.items()))
    assert cycles
    assert all(meter.is_flat() for meter in meters.values()), {k: str(m) for k, m in meters.items()}
    assert written < LOG_BYTES_A_CYCLE * (cycles + HOSTS)
    assert (town.data / "access.log").stat().st_blocks * 512 < (4 << 20)
    town.demand_no_fault_of_ours()
