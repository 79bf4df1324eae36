"""What this project costs the requests to an app that is awake: it should be nothing.

Three Traefiks before one app: with waiting room and sidecar beside it and the route files of ours;
plain, with a route as one writes it by hand and the same access log; and plain without any log.
They take turns, a few seconds each, and what counts is the ratio within each turn. The CPU that
Traefik takes for a request depends least on what else the machine does. Each turn is a new process:
two of the same kind differ by 5%, each for as long as it lives.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from tests.bench import figures, load
from tests.bench.backend import PATH, answers, backend
from tests.bench.figures import Figure, enough, median
from tests.integration.local import BROWSER, HOST, Local
from tests.support import eventually

ROUNDS = enough(12, 1)
SECONDS = enough(3, 1)
CATCH_UP_S = 1  # the sidecar looks every 0.2 s while lines pour in
CLIENTS = 32
OURS, PLAIN, NO_LOG = "with", "without", "without a log"


class Beside(Local):
    """Traefik with all of ours beside it, and an app that never sleeps."""

    def __init__(self, folder: Path, app_url: str) -> None:
        folder.mkdir()
        self.app_url = app_url
        super().__init__(folder, idle_after="1h")
        self.environment["WAITROOM_RELEASE_LOG"] = "on"  # as in the compose stack

    def host_keys(self, **keys: str) -> dict[str, object]:
        command = {"start": ["true"], "stop": ["true"], "status": ["true"]}
        return {"command": command, "url": self.app_url, **keys}


class Plain(Beside):
    """Traefik alone."""

    def __init__(self, folder: Path, app_url: str, *, log: bool) -> None:
        super().__init__(folder, app_url)
        config = yaml.safe_load((folder / "traefik.yml").read_text())
        if not log:
            del config["accessLog"]
        (folder / "traefik.yml").write_text(yaml.safe_dump(config))
        route = {
            "routers": {"app": {"rule": f"Host(`{HOST}`)", "service": "app"}},
            "services": {"app": {"loadBalancer": {"servers": [{"url": app_url}]}}},
        }
        (self.routes / "app.yml").write_text(yaml.safe_dump({"http": route}))


@dataclass(frozen=True, slots=True)
class Turn:
    """What one Traefik did in one turn."""

    per_s: float
    p99_ms: float
    cpu_us: float  # of Traefik, a request
    sidecar: float  # its CPU, as a share of Traefik's


def measure() -> Iterator[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-traffic-")))
        url = stack.enter_context(backend(folder))
        fronts = {
            OURS: stack.enter_context(closing(Beside(folder / "ours", url))),
            PLAIN: stack.enter_context(closing(Plain(folder / "plain", url, log=True))),
            NO_LOG: stack.enter_context(closing(Plain(folder / "silent", url, log=False))),
        }
        fronts[OURS].start()
        fronts[PLAIN].start("traefik")
        fronts[NO_LOG].start("traefik")
        yield from _told([_round(fronts, number) for number in range(ROUNDS)])


def _round(fronts: dict[str, Beside], number: int) -> dict[str, Turn]:
    """Let each take its turn; who is first changes."""
    names = list(fronts)
    first = number % len(names)
    return {name: _turn(fronts[name]) for name in names[first:] + names[:first]}


def _turn(front: Beside) -> Turn:
    front.end("traefik")
    front.start("traefik")
    eventually(partial(answers, front.url, HOST), what="the app answers")
    before_s = _cpu_s(front)
    asked = load.load(
        front.url + PATH, {"Host": HOST, "User-Agent": BROWSER}, clients=CLIENTS, seconds=SECONDS
    )
    time.sleep(CATCH_UP_S)
    spent_s = {name: cpu_s - before_s[name] for name, cpu_s in _cpu_s(front).items()}
    return Turn(
        per_s=asked.per_s,
        p99_ms=asked.p99_ms,
        cpu_us=spent_s["traefik"] * 1e6 / asked.answers,
        sidecar=spent_s.get("sidecar", 0.0) / spent_s["traefik"],
    )


def _cpu_s(front: Beside) -> dict[str, float]:
    return {name: figures.cpu_s(process.pid) for name, process in front.processes.items()}


def _told(rounds: list[dict[str, Turn]]) -> Iterator[Figure]:
    def middle(of: Callable[[dict[str, Turn]], float]) -> float:
        return median([of(turns) for turns in rounds])

    ratio = middle(lambda turns: turns[OURS].per_s / turns[PLAIN].per_s)
    yield Figure(
        f"requests/s to an awake app, with and without ({load.NAME})",
        _beside(rounds, lambda turn: turn.per_s, ",.0f") + f", ratio {ratio:.3f}",
        "ratio >= 0.98", ratio >= 0.98,
    )  # fmt: skip
    yield Figure("p99 of these", _beside(rounds, lambda turn: turn.p99_ms, ".1f") + " ms")
    cpu = middle(lambda turns: turns[PLAIN].cpu_us / turns[OURS].cpu_us)
    yield Figure(
        "Traefik's CPU a request",
        _beside(rounds, lambda turn: turn.cpu_us, ".1f") + f" µs, ratio {cpu:.3f}",
    )
    share = middle(lambda turns: turns[OURS].sidecar)
    yield Figure("the sidecar's CPU beside Traefik's", f"{share:.1%}", "< 3%", share < 0.03)
    no_log = middle(lambda turns: turns[PLAIN].per_s / turns[NO_LOG].per_s)
    yield Figure("requests/s with an access log and without any", f"ratio {no_log:.3f}")


def _beside(rounds: list[dict[str, Turn]], of: Callable[[Turn], float], form: str) -> str:
    """Tell the medians with and without ours."""
    return " and ".join(
        format(median([of(turns[name]) for turns in rounds]), form) for name in (OURS, PLAIN)
    )


if __name__ == "__main__":
    figures.run(measure)
