"""Seeds that can be played again, and the one table of results at the end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.stack import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the soak, so that the hour it takes passes beside all others."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/faults/test_soak"))


@pytest.fixture
def chance() -> random.Random:
    """All that a test leaves to chance; the seed stands in the report of a failure."""
    seed = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"to play it again: FAULT_SEED={seed}")  # noqa: T201 - pytest shows it with a failure
    return random.Random(seed)  # noqa: S311 - a seed, not a secret


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Four hosts, each with an app of its own that keeps an account; nothing is started yet."""
    made = Stack(tmp_path)
    yield made
    made.close()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Stack]:
    """The same with one host, h0.test."""
    made = Stack(tmp_path, hosts=1)
    yield made
    made.close()


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Put figures into the table."""
    return lambda figures: record_property("figures", figures)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        (report.outcome, f"{report.duration:.0f} s", name, dict(report.user_properties))
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if "tests/faults/" in report.nodeid and report.when == "call"
        for name in [report.nodeid.rpartition("::")[2]]
    ]
    if not rows:
        return
    terminalreporter.section("faults")
    for outcome, took, name, told in sorted(rows, key=lambda row: row[2]):
        terminalreporter.write_line(f"{outcome:7}{took:>7}  {name}")
        if "figures" in told:
            terminalreporter.write_line(f"{'':16}{told['figures']}")
