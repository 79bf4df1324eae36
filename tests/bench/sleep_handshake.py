"""From idle to stopped, and how long visitors are held off who come meanwhile.

Sleeps that nobody disturbs are timed from the moment when `idle_after` has passed to the event
`slept`; the provider's own stop takes no time here. Then each sleep has a visitor who comes at some
moment of its draining: he is to be in the app at once.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import requests

from tests.bench import figures
from tests.bench.app import App
from tests.bench.figures import Figure, enough, median, percentile
from tests.integration.local import BROWSER, HOST, Local
from tests.support import eventually

ROUNDS = enough(15, 1)
IDLE_AFTER_S = 3  # longer than Traefik keeps an idle connection, which looks like a visitor
AGENT = {"Host": HOST, "User-Agent": BROWSER, "Accept": "text/html"}


def measure() -> Iterator[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sleep-")))
        app = stack.enter_context(App(folder / "runs"))
        local = stack.enter_context(closing(Local(folder)))
        plenty = {"wakes_per_day": 10_000, "wakes_per_visitor": 10_000, "unproven_per_day": 10_000}
        local.hosts[HOST] = {**app.keys(), "idle_after": f"{IDLE_AFTER_S}s", "budget": plenty}
        local.write_hosts()
        local.start_awake()
        yield from _sleeps([_sleep(local) for _ in range(ROUNDS)])
        yield from _visits([_visit(local) for _ in range(ROUNDS)])


def _sleep(local: Local) -> tuple[float, float]:
    """Return the seconds from idle to draining, and from draining to asleep."""
    before = len(local.events("slept"))
    eventually(lambda: _is_awake(local), what="the app answers")
    due = time.time() + IDLE_AFTER_S
    drained = _when_draining(local)
    eventually(lambda: len(local.events("slept")) > before, within_s=30, what="it sleeps")
    slept = datetime.fromisoformat(local.events("slept")[-1]["at"]).timestamp()
    return drained - due, slept - drained


def _is_awake(local: Local) -> bool:
    """Whether the app answers; wakes it where it sleeps, whatever the last visitor has left behind."""
    answer = local.get()
    if answer.headers.get("X-Waitroom") == "asleep":
        local.post_wake(local.token(answer))
    return answer.ok and "X-Waitroom" not in answer.headers


def _when_draining(local: Local) -> float:
    """Wait until it drains; return the moment."""
    draining = local.routes / f"{HOST}.draining.yml"
    deadline = time.monotonic() + 30
    while not draining.exists():
        assert time.monotonic() < deadline, local.reasons()
        time.sleep(0.001)
    return time.time()


def _visit(local: Local) -> float | None:
    """Return the seconds of a visitor who was held on his way to the app.

    None: he came before the drain was in force and met the app, or after it and wakes it.
    """
    eventually(lambda: _is_awake(local), what="the app answers")
    _when_draining(local)
    time.sleep(random.uniform(0.05, 0.35))  # noqa: S311 - no secret
    began = time.monotonic()
    with requests.Session() as visitor:
        answer = visitor.get(local.url, headers=AGENT, timeout=10)
    return time.monotonic() - began if answer.ok and answer.history else None


def _sleeps(sleeps: list[tuple[float, float]]) -> Iterator[Figure]:
    drains, stops = zip(*sleeps, strict=True)
    whole = [sum(sleep) for sleep in sleeps]
    yield Figure(
        f"sleep handshake, {len(sleeps)} sleeps: idle to stopped, median, p99",
        f"{median(whole):.2f} s, {percentile(whole, 99):.2f} s",
    )
    yield Figure(
        "of these until it drains, and from there to stopped, medians",
        f"{median(drains):.2f} s, {median(stops):.2f} s",
    )


def _visits(visits: list[float | None]) -> Iterator[Figure]:
    name = f"{len(visits)} visitors who come while it drains"
    held_s = [visit for visit in visits if visit is not None]
    if not held_s:
        yield Figure(name, "none was held off", "< 1 s")
        return
    late = percentile(held_s, 99)
    yield Figure(
        f"{name}, {len(held_s)} were held: in the app after, median, p99",
        f"{median(held_s):.2f} s, {late:.2f} s", "< 1 s", late < 1,
    )  # fmt: skip


if __name__ == "__main__":
    figures.run(measure)
