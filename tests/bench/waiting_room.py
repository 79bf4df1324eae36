"""2,000 visitors who wait at once, and how many the waiting room can serve at all.

They ask through a real Traefik for a host that wakes for minutes, once a second each as the page
does then. All of it runs on one machine: Traefik and the clients take CPU from the waiting room,
so its own CPU time for an answer is told, too, and the times from Traefik's own log, which knows
nothing of how long the client was kept from running. The figures without a pause are what comes
when 64 (pages: 16) clients always have a request under way.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import figures, load
from tests.bench.figures import Figure, enough, percentile
from tests.bench.load import Load
from tests.integration.local import BROWSER, HOST, Local
from tests.support import eventually

VISITORS = enough(2000, 20)
SECONDS = enough(20, 1)
PAUSE_S = 1.0  # of a page whose app takes longer than three seconds
SLEEPER = "asleep.test"
ASKS = {"User-Agent": BROWSER, "Accept-Encoding": "gzip", "Connection": "keep-alive"}
STATUS = {"Host": HOST, "Accept": "application/json", **ASKS}
PAGE = {"Host": SLEEPER, "Accept": "text/html", **ASKS}


class Room(Local):
    """A stack without sidecar whose first host runs when woken, and never answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        mark = str(folder / "runs")
        command = {"start": ["touch", mark], "stop": ["rm", mark], "status": ["test", "-e", mark]}
        self.hosts[HOST] |= {"command": command, "ready": {"timeout": "1h"}}
        self.hosts[SLEEPER] = self.host_keys()
        self.write_hosts()

    def begin(self) -> None:
        """Start, and wake the first host."""
        self.start("waitroom", "traefik")
        eventually(lambda: self.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
        self.post_wake(self.token(self.get()))
        eventually(lambda: self.state() == "waking", what="it wakes")

    @property
    def pid(self) -> int:
        return self.processes["waitroom"].pid

    def durations_ms(self, offset: int) -> list[float]:
        """Return how long Traefik waited for each answer of the waiting room since then."""
        with (self.data / "access.log").open("rb") as log:
            log.seek(offset)
            lines = [json.loads(line) for line in log]
        return [line["Duration"] / 1e6 for line in lines if line["ServiceName"] == "waitroom@file"]


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-room-") as name:
        room = Room(Path(name))
        try:
            room.begin()
            yield from _visitors(room)
            yield from _ceiling(room, "status requests", "/.waitroom/status", STATUS, clients=64)
            yield from _ceiling(room, "page renders", "/any/page", PAGE, clients=16)
            memory_mb = figures.memory_mb(room.pid)
            yield Figure(
                "memory of the waiting room after that",
                f"{memory_mb:.0f} MB", "< 150 MB", memory_mb < 150,
            )  # fmt: skip
        finally:
            room.close()


def _visitors(room: Room) -> Iterator[Figure]:
    offset = (room.data / "access.log").stat().st_size
    asked, cpu_ms = _loaded(
        room, "/.waitroom/status", STATUS, clients=VISITORS, seconds=SECONDS, pause_s=PAUSE_S
    )
    logged_ms = room.durations_ms(offset)
    name = f"{VISITORS:,} visitors wait at once"
    yield Figure(
        f"{name}: their status requests", f"{asked.per_s:,.0f}/s, {asked.failed} failed",
        f"{VISITORS / PAUSE_S:,.0f}/s, 0 failed",
        asked.failed == 0 and asked.per_s > 0.9 * VISITORS / PAUSE_S,
    )  # fmt: skip
    yield Figure(
        f"{name}: p50, p99 ({load.NAME})", f"{asked.p50_ms:.1f} ms, {asked.p99_ms:.1f} ms",
        "p99 < 50 ms", asked.p99_ms < 50,
    )  # fmt: skip
    yield Figure(
        f"{name}: p50, p99 (Traefik's log)",
        f"{percentile(logged_ms, 50):.1f} ms, {percentile(logged_ms, 99):.1f} ms",
    )
    yield Figure(f"{name}: CPU of the waiting room an answer", f"{cpu_ms:.2f} ms")


def _ceiling(
    room: Room, what: str, path: str, headers: dict[str, str], *, clients: int
) -> Iterator[Figure]:
    asked, cpu_ms = _loaded(room, path, headers, clients=clients, seconds=enough(10, 1))
    yield Figure(
        f"{what} without a pause, {clients} clients",
        f"{asked.per_s:,.0f}/s, p99 {asked.p99_ms:.0f} ms, {cpu_ms:.2f} ms CPU each",
    )


def _loaded(
    room: Room,
    path: str,
    headers: dict[str, str],
    *,
    clients: int,
    seconds: float,
    pause_s: float = 0.0,
) -> tuple[Load, float]:
    """Return what came of it, and the waiting room's CPU milliseconds an answer."""
    before_s = figures.cpu_s(room.pid)
    asked = load.load(room.url + path, headers, clients=clients, seconds=seconds, pause_s=pause_s)
    return asked, (figures.cpu_s(room.pid) - before_s) * 1000 / asked.answers


if __name__ == "__main__":
    figures.say(f"load {os.getloadavg()[0]:.1f}")
    figures.run(measure)
