"""A hundred containers that announce themselves: the start, what happens to one, and what is asked.

Needs a Docker engine whose programs it may run (see tests/compose/engine.py).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import Figure, enough, median
from tests.compose.contained import RUNNING, Many
from tests.compose.engine import Engine

EVENTS = enough(5, 1)
REST_S = enough(120, 1)


def measure() -> Iterator[Figure]:
    engine = Engine()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-labels-") as name:
            many = Many(Path(name), engine)
            try:
                yield from _start(many)
                yield from _events(many)
                yield from _rest(many)
            finally:
                many.close()
    finally:
        engine.close()


def _start(many: Many) -> Iterator[Figure]:
    for kind in ("first", "next"):
        began = time.monotonic()
        many.spawn("waitroom")
        many.spawn("sidecar")
        ready_s = _until((many.data / "sidecar.alive").exists, began)
        known_s = _until(many.is_known, began)
        yield Figure(
            f"{kind} start: the sidecar's loop turns / all known and shadowed",
            f"{ready_s:.2f} / {known_s:.2f} s", "< 2 s", max(ready_s, known_s) < 2,
        )  # fmt: skip
        asked = many.asks["waitroom"]
        inspects = asked.count("/containers/[^/]+/json")
        lists = many.lists("waitroom")
        yield Figure(
            f"{kind} start: lists and inspects of the waiting room", f"{lists}, {inspects}",
            "at most 1 list", lists <= 1,
        )  # fmt: skip
        if kind == "first":
            many.end("waitroom")
            many.end("sidecar")
            (many.data / "sidecar.alive").unlink()
            asked.asked.clear()


def _events(many: Many) -> Iterator[Figure]:
    took_s = []
    for name in RUNNING[:EVENTS]:
        many.engine.client.api.kill(name)
        took_s.append(_until(lambda name=name: many.sleeps(name), time.monotonic()))  # type: ignore[misc]
    yield Figure(
        f"killed by hand -> shadowed ({EVENTS} times)",
        f"{1000 * median(took_s):.0f} ms, {1000 * max(took_s):.0f} at most",
        "< 1 s", max(took_s) < 1,
    )  # fmt: skip


def _rest(many: Many) -> Iterator[Figure]:
    for asked in many.asks.values():
        asked.asked.clear()
    time.sleep(REST_S)
    for name, asked in many.asks.items():
        lists, inspects = many.lists(name), asked.count("/containers/[^/]+/json")
        yield Figure(
            f"{name} in {REST_S} s of rest: lists, inspects", f"{lists}, {inspects}",
            "a list a minute", lists <= REST_S / 60 + 1 and inspects == 0,
        )  # fmt: skip


def _until(happened: Callable[[], bool], began: float) -> float:
    while not happened():
        time.sleep(0.005)
    return time.monotonic() - began


if __name__ == "__main__":
    figures.run(measure)
