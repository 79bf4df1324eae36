"""What a number of hosts costs: 1, 100, 1,000, 10,000, half of them asleep.

For each number the real Traefik, waiting room and sidecar with so many containers of an engine that
answers at once, a route file a host and a shadow for each that sleeps; every host was used once. A
figure grows worse than linear when it grows by more than the hosts do (a fifth is allowed for noise).
Traefik starts when the files are there, as at every start but the very first: one that runs while
thousands are written reads all of them again for each.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from sidecar.record.recorder import Recorder
from tests.bench import figures, load
from tests.bench.backend import PATH, answers, backend
from tests.bench.engine import Engine, runs
from tests.bench.figures import TINY, Figure, enough, median
from tests.integration.local import BROWSER, Local
from tests.support import eventually
from traefik.folder import RouteFolder
from waitroom.registry.config import load as load_registry

SIZES = (1, 20) if TINY else (1, 100, 1_000, 10_000)
ROUNDS = enough(5, 1)
SECONDS = enough(4, 1)
PATIENCE_S = 120.0
NOISE = 1.2


@dataclass(frozen=True, slots=True)
class Cost:
    """What one number of hosts costs; seconds and MB."""

    up_s: float  # from the start of the waiting room to its first answer
    found_s: float  # and to all shadows of hosts that were found stopped
    routed_s: float  # from the start of Traefik, with all files there, to the app's first answer
    edit_s: float  # from an edit of hosts.yaml to the first host that is looked at
    sweep_s: float  # one look at every host
    watch_s: float  # from the start of the sidecar to its first turn
    room_mb: float
    sidecar_mb: float
    traefik_mb: float
    reload_s: float  # from a route file that is written to its being in force
    commit_s: float  # of all hosts, each used since the last one
    request_s: float  # of Traefik under full load: 1 / (requests a second)


class Many(Local):
    """A stack with so many hosts, named h00007.test, whose containers are c7."""

    def __init__(self, folder: Path, size: int, app_url: str, engine_url: str) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.size = size
        self.environment["DOCKER_HOST"] = engine_url
        self.text = "defaults: {idle_after: 1d}\nhosts:\n" + "".join(
            f"  {name(number)}: {{docker: {{container: c{number}}}, url: '{app_url}'}}\n"
            for number in range(size)
        )
        (folder / "hosts.yaml").write_text(self.text)
        self.awake = name(size // 2 // 2 * 2)  # in the middle: Traefik looks at one after the other
        write_uses(folder / "access.log", size, 0)

    def is_up(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.room_port}/.waitroom/status"
            return requests.get(url, headers={"Host": self.awake}, timeout=5).ok
        except requests.RequestException:
            return False

    def is_shadowed(self) -> bool:
        """Whether the waiting room answers for the awake host, asked for what calls off no drain."""
        url = f"{self.url}/.waitroom/status"
        answer = requests.get(url, headers={"Host": self.awake}, timeout=10)
        return "X-Waitroom" in answer.headers

    def has_shadows(self) -> bool:
        stopped = sum(not runs(f"c{number}") for number in range(self.size))
        return len(list(self.routes.glob("*.asleep.yml"))) == stopped


def name(number: int) -> str:
    return f"h{number:05}.test"


def write_uses(log: Path, size: int, start: int) -> None:
    """Write a line for each host, used just now."""
    moment = datetime.now(UTC).isoformat()[:26]
    with log.open("a") as file:
        file.writelines(
            f'{{"DownstreamContentSize":10,"DownstreamStatus":200,"Duration":1000,"RequestCount":{start + number + 1},'
            f'"RequestHost":"{name(number)}","ServiceName":"app@file","StartUTC":"{moment}Z"}}\n'
            for number in range(size)
        )


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-hosts-") as folder, ExitStack() as stack:
        url = stack.enter_context(backend(Path(folder)))
        costs: list[Cost] = []
        for size in SIZES:
            try:
                with Engine() as engine:
                    many = Many(Path(folder) / str(size), size, url, engine.url)
                    costs.append(_cost(many, engine))
            except pytest.fail.Exception as late:
                yield Figure(f"{size:,} hosts", str(late), "no worse than linear", reached=False)
                break
            figures.say(f"{size:,} hosts: {costs[-1]}")
    yield from _told(costs)


def _cost(stack: Many, engine: Engine) -> Cost:
    with closing(stack):
        began = time.monotonic()
        stack.spawn("waitroom")
        up_s = _time(stack.is_up, began)
        found_s = _time(stack.has_shadows, began)
        began = time.monotonic()
        stack.spawn("traefik")
        routed_s = _time(lambda: answers(stack.url, stack.awake), began)
        edit_s, sweep_s = _edit(stack, engine)
        began = time.monotonic()
        stack.spawn("sidecar")
        watch_s = _time((stack.data / "sidecar.alive").exists, began)
        room_mb, sidecar_mb, traefik_mb = (
            figures.memory_mb(stack.processes[part].pid)
            for part in ("waitroom", "sidecar", "traefik")
        )
        stack.end("sidecar")  # which would take the shadow for one that a crash has left
        reload_s = median([_reload(stack) for _ in range(ROUNDS)])
        headers = {"Host": stack.awake, "User-Agent": BROWSER}
        asked = load.load(stack.url + PATH, headers, clients=32, seconds=SECONDS)
    return Cost(
        up_s, found_s, routed_s, edit_s, sweep_s, watch_s, room_mb, sidecar_mb, traefik_mb, reload_s,
        _commit(stack), 1 / asked.per_s,
    )  # fmt: skip


def _time(condition: Callable[[], bool], began: float) -> float:
    eventually(condition, within_s=PATIENCE_S)
    return time.monotonic() - began


def _edit(stack: Many, engine: Engine) -> tuple[float, float]:
    """Edit hosts.yaml; return the seconds to the first look at a host, and from there to the last."""
    engine.asked.clear()
    began = time.monotonic()
    (stack.data / "hosts.yaml").write_text(stack.text + "# an edit\n")
    eventually(lambda: len(engine.asked) == stack.size, within_s=PATIENCE_S, what="all looked at")
    first = min(engine.asked.values())
    return first - began, max(0.001, max(engine.asked.values()) - first)  # of one host: no time


def _reload(stack: Many) -> float:
    """Lead a host to the waiting room and back; return the seconds until the first was in force."""
    folder = RouteFolder(stack.routes)
    began = time.monotonic()
    folder.drain([stack.awake], "proof.test")
    took_s = _time(stack.is_shadowed, began)
    folder.call_off(stack.awake)
    eventually(lambda: not stack.is_shadowed(), within_s=PATIENCE_S, what="its route is back")
    return took_s


def _commit(stack: Many) -> float:
    """Return the seconds of a commit, in a folder of its own."""
    folder = stack.data / "recorded"
    folder.mkdir()
    log = folder / "access.log"
    registry = load_registry(stack.data / "hosts.yaml")
    recorder = Recorder(
        data=folder, access_log=log, registry=registry, on_canary=lambda _: None
    )  # fmt: skip
    took_s = []
    for round_ in range(ROUNDS):
        write_uses(log, stack.size, round_ * stack.size)
        while recorder.read():
            pass
        began = time.perf_counter()
        recorder.commit()
        took_s.append(time.perf_counter() - began)
    recorder.close()
    return median(took_s)


def _told(costs: list[Cost]) -> Iterator[Figure]:
    def row(what: str, values: list[float], told: str, unit: str) -> Figure:
        steps = zip(pairwise(values), pairwise(SIZES[: len(costs)]), strict=True)
        linear = all(after / before <= more / few * NOISE for (before, after), (few, more) in steps)
        return Figure(f"{sizes} hosts: {what}", f"{told} {unit}", "no worse than linear", linear)

    sizes = " / ".join(f"{size:,}" for size in SIZES[: len(costs)])
    for what, field, form, factor, unit in (
        ("waiting room answers after its start", "up_s", ".2f", 1, "s"),
        ("and has found and shadowed what is stopped", "found_s", ".2f", 1, "s"),
        ("Traefik routes after its start", "routed_s", ".2f", 1, "s"),
        ("an edit of hosts.yaml is in force", "edit_s", ".2f", 1, "s"),
        ("a look at every host", "sweep_s", ".2f", 1, "s"),
        ("sidecar watches after its start", "watch_s", ".2f", 1, "s"),
        ("waiting room's memory", "room_mb", ".0f", 1, "MB"),
        ("sidecar's memory", "sidecar_mb", ".0f", 1, "MB"),
        ("Traefik's memory", "traefik_mb", ".0f", 1, "MB"),
        ("commit of all hosts", "commit_s", ".1f", 1000, "ms"),
        ("Traefik's reload of one file", "reload_s", ".2f", 1, "s"),
    ):
        values = [getattr(cost, field) for cost in costs]
        yield row(what, values, " / ".join(format(value * factor, form) for value in values), unit)
    values = [cost.request_s for cost in costs]
    told = " / ".join(f"{1 / value:,.0f}" for value in values)
    yield row(f"requests/s through Traefik ({load.NAME})", values, told, "/s")


if __name__ == "__main__":
    figures.run(measure)
