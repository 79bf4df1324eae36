"""What the benchmarks share: how a figure is told, how often is enough, and what a process costs.

Each script prints its figures as rows of one Markdown table on stdout and nothing else there, so
that `make bench` only has to put them together (see `__main__`). Run one alone as
`python -m tests.bench.NAME`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import click
import psutil

HEAD = "| figure | measured | aim | |\n|---|---|---|---|"
# Every benchmark in its smallest form: it runs, and its figures mean nothing.
TINY = os.environ.get("BENCH_TINY") == "1"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. Without an aim it is told so that the others can be understood."""

    name: str
    measured: str
    aim: str = ""
    reached: bool | None = None

    def row(self) -> str:
        verdict = {True: "reached", False: "behind", None: ""}[self.reached]
        return f"| {self.name} | {self.measured} | {self.aim} | {verdict} |"


def enough(full: int, tiny: int) -> int:
    """Return how much is measured: all, or in the tiny form hardly anything."""
    return tiny if TINY else full


def run(measure: Callable[[], Iterable[Figure]]) -> None:
    """Print each figure as soon as it is known; SIGTERM ends what was started, too."""
    signal.signal(signal.SIGTERM, end)
    click.echo(HEAD)
    for figure in measure():
        click.echo(figure.row())
        sys.stdout.flush()


def say(text: str) -> None:
    """Tell on stderr how it goes."""
    click.echo(text, err=True)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _each(pid: int, ask: Callable[[psutil.Process], float]) -> Iterator[float]:
    """Ask a process and its children; a child that has just ended says nothing."""
    process = psutil.Process(pid)
    yield ask(process)
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            yield ask(child)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and its children so far."""
    return sum(_each(pid, lambda process: sum(process.cpu_times()[:2])))


def memory_mb(pid: int) -> float:
    """Return the memory of a process and its children; what they share counts once (PSS)."""
    return sum(_each(pid, lambda process: float(process.memory_full_info().pss))) / 1e6


def end(_number: int, _frame: object) -> NoReturn:
    """Handle SIGTERM: what is open is closed on the way out."""
    raise SystemExit(143)
