"""All figures, one table, one end: `make bench`, or `python -m tests.bench NAME...` for some.

Each script runs as a process of its own and prints rows of the table; one that fails or takes too
long is told in the table, and the others go on. What it tells on the way goes to stderr.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import click
import psutil

from tests.bench import figures
from tests.bench.figures import HEAD, Figure, say

ROOT = Path(__file__).parent.parent.parent
# In the order of issue and README: what visitors feel first. Each with its longest time in seconds.
SCRIPTS = {
    "traffic": 240,
    "wake_handover": 240,
    "sleep_handshake": 200,
    "ingest": 180,
    "waiting_room": 120,
    "hosts": 420,
    "start_up": 100,
}
_END_S = 30.0  # for a script that is ended to end its own processes


def rows(script: str, longest_s: float) -> list[str]:
    """Run one script; return its rows."""
    argv = [sys.executable, "-m", f"tests.bench.{script}"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed, _ = process.communicate(timeout=longest_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            printed, _ = process.communicate(timeout=_END_S)
        except BaseException:  # we are ended: so is it, with all that it has started
            process.terminate()
            raise
    found = [line for line in printed.splitlines() if line.startswith("| ")][1:]
    if process.returncode:
        found.append(Figure(script, "did not come to its end", "", reached=False).row())
    return found


def machine() -> str:
    cores, memory_gb = psutil.cpu_count(), psutil.virtual_memory().total / 1e9
    return f"{cores} cores, {memory_gb:.0f} GB, Python {platform.python_version()}, {platform.platform()}"


def main(names: list[str]) -> None:
    signal.signal(signal.SIGTERM, figures.end)
    table = []
    for script in names or SCRIPTS:
        say(f"{script} (load {os.getloadavg()[0]:.1f})")
        table += rows(script, SCRIPTS[script])
    click.echo(f"\n{machine()}; load at the end {os.getloadavg()[0]:.1f}\n\n{HEAD}")
    click.echo("\n".join(table))


if __name__ == "__main__":
    main(sys.argv[1:])
