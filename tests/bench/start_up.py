"""How soon both processes are ready after a start, and what memory they have then.

Both are started at the same moment, as a stack does. The waiting room is ready when it has told
how a host of each kind is; the sidecar when its loop has turned. One host is a container whose
engine does not answer: so the library for it is loaded, as on most machines, and no engine is
needed here.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from tests.bench import figures
from tests.bench.figures import Figure, enough, median
from tests.integration.local import HOST, Local

ROUNDS = enough(11, 1)
SETTLE_S = enough(3, 1)  # until what is loaded on first use is loaded
CONTAINER = "container.test"


class Stack(Local):
    """Both processes without a Traefik."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        container = self.host_keys(docker={"container": "none"})
        self.hosts[CONTAINER] = {key: container[key] for key in ("docker", "url")}
        self.write_hosts()
        (folder / "access.log").touch()
        self.environment["DOCKER_HOST"] = f"unix://{folder}/none.sock"

    def room_is_ready(self) -> bool:
        url = f"http://127.0.0.1:{self.room_port}/.waitroom/status"
        with contextlib.suppress(requests.ConnectionError):
            return all(
                "X-Waitroom" in requests.get(url, headers={"Host": host}, timeout=5).headers
                for host in (HOST, CONTAINER)
            )
        return False

    def sidecar_is_ready(self) -> bool:
        return (self.data / "sidecar.alive").exists()


def measure() -> Iterator[Figure]:
    rounds = [_round() for _ in range(ROUNDS)]
    names = ("waiting room", "sidecar")
    for name, took_s in zip(names, zip(*(took for took, _ in rounds), strict=True), strict=True):
        yield Figure(
            f"{name} ready after",
            f"{median(took_s):.2f} s ({min(took_s):.2f} to {max(took_s):.2f})",
            "< 1 s", median(took_s) < 1,
        )  # fmt: skip
    memory = zip(*(memory_mb for _, memory_mb in rounds), strict=True)
    for name, aim_mb, memory_mb in zip(names, (70, 45), memory, strict=True):
        middle = median(memory_mb)
        yield Figure(
            f"{name}'s memory then (PSS)", f"{middle:.0f} MB", f"< {aim_mb} MB", middle < aim_mb
        )


def _round() -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the seconds until each is ready, and the MB of each."""
    with tempfile.TemporaryDirectory(prefix="bench-start-") as name:
        stack = Stack(Path(name))
        try:
            began = time.monotonic()
            stack.spawn("waitroom")
            stack.spawn("sidecar")
            took_s = _first_times([stack.room_is_ready, stack.sidecar_is_ready], began)
            time.sleep(SETTLE_S)
            room, sidecar = (
                figures.memory_mb(stack.processes[part].pid) for part in ("waitroom", "sidecar")
            )
            return (took_s[0], took_s[1]), (room, sidecar)
        finally:
            stack.close()


def _first_times(conditions: list[Callable[[], bool]], began: float) -> list[float]:
    """Return after how many seconds each came true."""
    took_s: dict[int, float] = {}
    while len(took_s) < len(conditions):
        for number, condition in enumerate(conditions):
            if number not in took_s and condition():
                took_s[number] = time.monotonic() - began
        time.sleep(0.005)
    return [took_s[number] for number in range(len(conditions))]


if __name__ == "__main__":
    figures.run(measure)
