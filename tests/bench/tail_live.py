"""What recording costs while the log is written, and how soon a line is recorded: `make bench-live`.

The real sidecar beside a writer of 15,000 lines a second, as a Traefik under full load; its CPU
time over 30 s, and that of only decoding those lines, in one run. Then a line a second, each timed
until it stands in activity.json.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import msgspec
import psutil

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # run as a script

from traefik import access_log  # noqa: E402 - the path comes first

LINES_PER_S = int(os.environ.get("BENCH_RATE", "15000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
HOSTS = 50


def line(number: int) -> bytes:
    """Return a line as the shipped configuration keeps it, of now."""
    second, fraction = divmod(time.time_ns(), 1_000_000_000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{fraction:09}Z"
    return (
        f'{{"DownstreamContentSize":{number % 9999},"DownstreamStatus":200,'
        f'"Duration":{number * 7919 % 9_000_000},"RequestCount":{number},'
        f'"RequestHost":"app{number * 7919 % HOSTS}.localhost","ServiceName":"app@file",'
        f'"StartUTC":"{moment}","level":"info","msg":"",'
        f'"request_User-Agent":"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",'
        f'"time":"{moment[:19]}Z"}}\n'
    ).encode()


def write(log: Path, seconds: float) -> None:
    """Write at the rate, a system call a line as Traefik does."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    began, number = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        while number < passed * LINES_PER_S:
            number += 1
            os.write(handle, line(number))
        time.sleep(0.001)


def decode_s(log: Path) -> float:
    """Return the CPU seconds of reading and decoding what was written, and nothing else."""
    decoder = msgspec.json.Decoder(access_log.Entry)
    began = time.process_time()
    with log.open("rb") as file:
        rest = b""
        while data := file.read(1 << 20):
            end = data.rfind(b"\n") + 1
            decoder.decode_lines(rest + data[:end])
            rest = data[end:]
    return time.process_time() - began


def recorded(data: Path) -> int:
    """Return how many requests stand in activity.json."""
    try:
        hosts = msgspec.json.decode((data / "activity.json").read_bytes())["hosts"]
    except FileNotFoundError:
        return -1
    return sum(host["requests"] for host in hosts.values())


def wait_for(data: Path, count: int) -> None:
    """Wait until so many requests are recorded."""
    while recorded(data) < count:
        time.sleep(0.001)


def measure_busy(sidecar: psutil.Process, log: Path, data: Path) -> None:
    """Print what 15,000 lines a second cost."""
    writer = multiprocessing.Process(target=write, args=(log, SECONDS + 2))
    writer.start()
    time.sleep(1)
    before, began = sidecar.cpu_times(), time.monotonic()
    time.sleep(SECONDS)
    after, seconds = sidecar.cpu_times(), time.monotonic() - began
    writer.join()
    lines = log.read_bytes().count(b"\n")
    wait_for(data, lines)
    ours = (after.user + after.system - before.user - before.system) / seconds
    bare = decode_s(log) / lines * LINES_PER_S
    click.echo(f"{lines:,} lines, {lines / (SECONDS + 2):,.0f} a second, all recorded")
    click.echo(f"sidecar       {ours:6.2%} of a core, {sidecar.memory_info().rss >> 20} MB")
    click.echo(f"decoding only {bare:6.2%} of a core (ours is {ours / bare:.1f} times that)")


def measure_quiet(log: Path, data: Path) -> None:
    """Print how soon a line a second is recorded."""
    time.sleep(3)
    took_ms = []
    for number in range(20):
        time.sleep(1 + number / 37)  # not in step with anything
        count = recorded(data) + 1
        began = time.monotonic()
        with log.open("ab", buffering=0) as file:
            file.write(line(1_000_000 + number))
        wait_for(data, count)
        took_ms.append((time.monotonic() - began) * 1000)
    click.echo(
        f"a line a second is recorded after {statistics.median(took_ms):.0f} ms,"
        f" at the latest {max(took_ms):.0f} ms"
    )


def main() -> None:
    """Run both."""
    with tempfile.TemporaryDirectory(prefix="bench-live-") as name:
        data = Path(name)
        log = data / "logs" / "access.log"
        log.parent.mkdir()
        log.touch()
        (data / "hosts.yaml").write_text(
            "hosts:\n" + "".join(
                f"  app{n}.localhost: {{command: {{start: [a{n}], stop: [b], status: [c]}}, url: 'http://127.0.0.1:1'}}\n"
                for n in range(HOSTS)
            )
        )  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "WAITROOM_HOSTS": str(data / "hosts.yaml"),
            "WAITROOM_DATA": name, "WAITROOM_ACCESS_LOG": str(log),
        }  # fmt: skip
        with subprocess.Popen([sys.executable, "-m", "sidecar"], env=environment) as process:
            try:
                wait_for(data, 0)
                measure_busy(psutil.Process(process.pid), log, data)
                measure_quiet(log, data)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
