"""How fast a log is read beside GoAccess, mtail and jq: the rows of `make bench-tail` as figures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import Figure, enough

SCRIPT = Path(__file__).parent / "tail_throughput.py"
MEGABYTES = enough(300, 1)
OURS = "sidecar ingest"


def measure() -> Iterator[Figure]:
    printed = subprocess.run(
        [sys.executable, str(SCRIPT)], env={**os.environ, "BENCH_MB": str(MEGABYTES)},
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in printed.splitlines()]
    told = {row[0]: row[1:] for row in rows if len(row) == 5 and row[1] != "not installed"}
    lines_per_s, peak_mb = (float(told[OURS][cell].replace(",", "")) for cell in (1, 3))
    yield Figure(
        f"ingest of {MEGABYTES} MB of log", f"{lines_per_s:,.0f} lines/s", "1,000,000 lines/s",
        lines_per_s >= 1_000_000,
    )  # fmt: skip
    yield Figure("its peak memory", f"{peak_mb:.0f} MB", "< 40 MB", peak_mb < 40)
    for tool in ("goaccess", "mtail", "jq"):
        if tool in told:
            faster = float(told[tool][2])
            aim, reached = ("10 times", faster >= 10) if tool == "goaccess" else ("", None)
            yield Figure(f"so many times as fast as {tool}", f"{faster:.1f}", aim, reached)


if __name__ == "__main__":
    figures.run(measure)
