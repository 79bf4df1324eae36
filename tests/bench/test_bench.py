"""The benchmarks don't rot: each is there to be run, and one is, in its smallest form."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from tests.bench.__main__ import ROOT, SCRIPTS
from tests.bench.figures import HEAD


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_finds_what_it_measures(script: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{script}").measure)


def test_the_figures_end_in_one_table() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench", "start_up"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "BENCH_TINY": "1"}, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    machine, table = ended.stdout.split(HEAD)
    assert "cores" in machine
    assert "sidecar ready after" in table
    assert "did not come to its end" not in table
