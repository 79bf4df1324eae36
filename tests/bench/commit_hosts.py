"""What one commit of 10,000 changed hosts takes: `make bench-commit`."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # run as a script

from sidecar.record.recorder import Recorder  # noqa: E402 - the path comes first
from waitroom.registry.document import parse  # noqa: E402

HOSTS = 10_000
ROUNDS = 20


def host(number: int) -> dict[str, object]:
    """Return a host of hosts.yaml."""
    command = {"start": [f"a{number}"], "stop": ["b"], "status": ["c"]}
    return {"command": command, "url": "http://127.0.0.1:1"}


def lines(round_: int) -> bytes:
    """Return a line for each host."""
    return b"".join(
        b'{"DownstreamContentSize":10,"DownstreamStatus":200,"Duration":1000,"RequestCount":%d,'
        b'"RequestHost":"h%d.test","ServiceName":"app@file","StartUTC":"2026-01-02T03:%02d:04.%09dZ"}\n'
        % (round_ * HOSTS + number + 1, number, round_, number)
        for number in range(HOSTS)
    )


def main() -> None:
    """Print the median."""
    with tempfile.TemporaryDirectory(prefix="bench-commit-") as name:
        folder = Path(name)
        log = folder / "access.log"
        recorder = Recorder(
            data=folder,
            access_log=log,
            registry=parse({"hosts": {f"h{number}.test": host(number) for number in range(HOSTS)}}),
            on_canary=lambda _: None,
        )
        took_ms = []
        for round_ in range(ROUNDS):
            with log.open("ab") as file:
                file.write(lines(round_))
            while recorder.read():
                pass
            began = time.perf_counter()
            recorder.commit()
            took_ms.append((time.perf_counter() - began) * 1000)
        megabytes = (folder / "activity.json").stat().st_size / 1e6
        click.echo(
            f"{HOSTS:,} changed hosts, {megabytes:.1f} MB: median {statistics.median(took_ms):.1f} ms,"
            f" {min(took_ms):.1f} to {max(took_ms):.1f}"
        )
        recorder.close()


if __name__ == "__main__":
    main()
