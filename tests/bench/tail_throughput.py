"""How fast the sidecar reads a log, beside what else reads logs: `make bench-tail`.

The same log, default fields of Traefik, in one run, whole processes from start to end; medians,
of those that take long a single run. `decode only` reads the same blocks into the same values and
counts nothing: what the parser and this machine allow. goaccess, mtail and jq are Debian packages;
what is missing is left out.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent.parent
MEGABYTES = int(os.environ.get("BENCH_MB", "1000"))
HOSTS = 50
ROUNDS = 5
ONCE = ("goaccess", "mtail", "jq")
MTAIL = 'counter requests by host\n/"RequestHost":"(?P<host>[^"]+)"/ {\n  requests[$host]++\n}\n'
GOACCESS = (
    '{"ClientHost":"%h","DownstreamContentSize":"%b","DownstreamStatus":"%s","Duration":"%n",'
    '"RequestMethod":"%m","RequestPath":"%U","StartUTC":"%dT%t.%^"}'
)


def line(number: int) -> str:
    """Return a line as Traefik 3.7 writes it by default."""
    host = f"app{number * 7919 % HOSTS}.localhost"
    second = number // 100
    moment = f"2026-01-02T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.{number % 100:02}3456789Z"
    return (
        f'{{"ClientAddr":"10.0.0.9:4{number % 9999:04}","ClientHost":"10.0.0.9","ClientPort":"40000",'
        f'"ClientUsername":"-","DownstreamContentSize":{number % 99999},"DownstreamStatus":200,'
        f'"Duration":{number * 7919 % 9_000_000},"OriginContentSize":123,"OriginDuration":800000,'
        f'"OriginStatus":200,"Overhead":60000,"RequestAddr":"{host}","RequestContentSize":0,'
        f'"RequestCount":{number + 1},"RequestHost":"{host}","RequestMethod":"GET",'
        f'"RequestPath":"/static/app.{number % HOSTS}.js?v=12","RequestPort":"-",'
        f'"RequestProtocol":"HTTP/1.1","RequestScheme":"http","RetryAttempts":0,'
        f'"RouterName":"app@file","ServiceAddr":"127.0.0.1:9000","ServiceName":"app@file",'
        f'"ServiceURL":"http://127.0.0.1:9000","StartLocal":"{moment}","StartUTC":"{moment}",'
        f'"entryPointName":"web","level":"info","msg":"","time":"{moment[:19]}Z"}}\n'
    )


def write_log(path: Path) -> int:
    """Write the log; return how many lines it has."""
    number = 0
    with path.open("w") as file:
        while file.tell() < MEGABYTES * 1_000_000:
            file.writelines(map(line, range(number, number + 10_000)))
            number += 10_000
    return number


def tools(folder: Path, log: Path) -> dict[str, list[str]]:
    """Return the commands, ours first."""
    (folder / "hosts.mtail").write_text(MTAIL)
    hosts = "".join(
        f"  app{n}.localhost: {{command: {{start: [a{n}], stop: [b], status: [c]}}, url: 'http://127.0.0.1:1'}}\n"
        for n in range(HOSTS)
    )
    (folder / "hosts.yaml").write_text("hosts:\n" + hosts)
    return {
        "sidecar ingest": [sys.executable, "-m", "sidecar", "ingest"],
        "decode only": [sys.executable, __file__, str(log)],
        "wc -l": ["wc", "-l", str(log)],
        "goaccess": ["goaccess", str(log), f"--log-format={GOACCESS}", "--date-format=%Y-%m-%d",
                     "--time-format=%H:%M:%S", "--no-progress", "-o", str(folder / "report.json")],
        "mtail": ["mtail", "--one_shot", "--logs", str(log), "--progs",
                  str(folder / "hosts.mtail"), "--logtostderr", "--stderrthreshold", "FATAL"],
        "jq": ["jq", "-r", ".RequestHost", str(log)],
    }  # fmt: skip


def run(argv: list[str], folder: Path, log: Path) -> tuple[float, float]:
    """Run one; return its seconds and its peak memory in MB."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "WAITROOM_HOSTS": str(folder / "hosts.yaml"),
        "WAITROOM_DATA": str(folder / "data"), "WAITROOM_ACCESS_LOG": str(log),
        # As it is where it is installed: compiled once, not at every start.
        "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{argv[0]} has failed: {process.communicate()[1].decode()[-500:]}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def decode(log: Path) -> None:
    """Read and decode the log, and nothing else."""
    sys.path.insert(0, str(ROOT))
    import msgspec  # noqa: PLC0415 - of this process alone

    from sidecar.tail import BLOCK_BYTES  # noqa: PLC0415
    from traefik.access_log import Entry  # noqa: PLC0415

    decoder, offset = msgspec.json.Decoder(Entry), 0
    with log.open("rb") as file:
        while data := os.pread(file.fileno(), BLOCK_BYTES, offset):
            end = data.rfind(b"\n") + 1
            decoder.decode_lines(memoryview(data)[:end])
            offset += end


def measure(tool: str, argv: list[str], folder: Path, log: Path) -> tuple[float, float]:
    """Return the median of some runs of one, and its peak memory in MB."""
    runs = []
    for _ in range(1 if tool in ONCE else ROUNDS):
        shutil.rmtree(folder / "data", ignore_errors=True)
        runs.append(run(argv, folder, log))
    return statistics.median(seconds for seconds, _ in runs), max(peak for _, peak in runs)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="bench-tail-") as name:
        folder = Path(name)
        log = folder / "logs" / "access.log"
        log.parent.mkdir()
        lines = write_log(log)
        click.echo(f"{lines:,} lines, {log.stat().st_size / 1e6:,.0f} MB\n")
        click.echo("| tool | seconds | lines/s | ours is so many times as fast | peak MB |")
        click.echo("|---|---|---|---|---|")
        ours_s = 0.0
        for tool, argv in tools(folder, log).items():
            if shutil.which(argv[0]) is None:
                click.echo(f"| {tool} | not installed | | | |")
                continue
            seconds, megabytes = measure(tool, argv, folder, log)
            ours_s = ours_s or seconds
            click.echo(
                f"| {tool} | {seconds:.2f} | {lines / seconds:,.0f} | {seconds / ours_s:.1f} | {megabytes:.0f} |",
            )


if __name__ == "__main__":
    if sys.argv[1:]:
        decode(Path(sys.argv[1]))
    else:
        main()
