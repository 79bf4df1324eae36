"""What an audit of a year of 100 hosts takes, a million events: `make bench-audit`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import convert

from sidecar.record.hours import Hours
from waitroom.record.ledger import Ledger
from waitroom.record.occurrence import Event, microseconds
from waitroom.record.opening import Opening

ROOT = Path(__file__).parent.parent.parent
HOSTS = 100
WAKES = 2500  # a host; each has four events
NOW = datetime.now(UTC)
NEWEST = NOW.date() - timedelta(days=1)  # from here on activity.json has it
START = NOW - timedelta(days=365)
APART = timedelta(days=365) / WAKES


def wake(host: str, at: datetime) -> Iterator[dict[str, Any]]:
    """Return the events of one wake and the sleep after it."""
    slept = at + APART / 2
    used = slept - timedelta(minutes=30)
    yield {"at": at, "host": host, "kind": "wake_requested", "gate": "visit", "visitor": "0" * 16}
    yield {"at": at + timedelta(seconds=3), "host": host, "kind": "woken", "took_s": 3.0}
    yield {"at": slept, "host": host, "kind": "sleep_started", "idle_s": 1800.0}
    evidence = {"last_used": used, "canary": "0" * 16, "connections": 0,
                "log": {"path": "/logs/access.log", "offset": 123456789}}  # fmt: skip
    yield {"at": slept + timedelta(seconds=2), "host": host, "kind": "slept", "idle_s": 1800.0,
           "evidence": evidence}  # fmt: skip


def write_year(data: Path) -> int:
    """Write archive and activity.json as the sidecar does; return how many events they have."""
    events = [
        event
        for number in range(HOSTS)
        for turn in range(WAKES)
        for event in wake(f"app{number}.example.com", START + turn * APART + timedelta(seconds=number))
    ]  # fmt: skip
    events.sort(key=lambda event: event["at"])
    months: defaultdict[str, dict[str, Any]] = defaultdict(
        lambda: {"opening": {}, "events": {}, "hours": {}, "days": {}}
    )
    hours = Hours()
    ledger = Ledger(hours.spend)
    for number, event in enumerate(events, 1):
        month = f"{event['at']:%Y-%m}"
        if month not in months and months:
            months[month]["opening"] = {1: Opening(number - 1, ledger.document())}
        newest = event["at"].date() >= NEWEST
        months["activity" if newest else month]["events"][number] = event
        ledger.add(convert(event, Event), microseconds(event["at"]))
        hours.count(event["host"], microseconds(event["at"]) // 3_600_000_000, 100, 80)
    for number, row in enumerate(hours.take_changed()):
        newest = row.day >= NEWEST.isoformat()
        months["activity" if newest else row.day[:7]]["hours"][number] = row
    (data / "archive").mkdir()
    for month, tables in months.items():
        path = data / ("activity.json" if month == "activity" else f"archive/{month}.json")
        path.write_bytes(msgspec.json.encode(tables))
    return len(events)


def run(data: Path, *arguments: str) -> tuple[float, float]:
    """Run an audit; return the seconds that it keeps a processor busy and its peak memory in MB."""
    (data / "hosts.yaml").write_text("hosts: {}\n")
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "WAITROOM_DATA": str(data),
        "WAITROOM_HOSTS": str(data / "hosts.yaml"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "sidecar", "audit", *arguments], cwd=data, env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the audit has failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as name:
        data = Path(name)
        # In another process: the peak of a child is at least what its parent had when it began.
        with ProcessPoolExecutor(1) as pool:
            count = pool.submit(write_year, data).result()
        click.echo(f"{count:,} events of {HOSTS} hosts\n")
        click.echo("| audit | processor seconds | peak MB |")
        click.echo("|---|---|---|")
        for arguments in ([], ["--since", "7d"], ["--host", "app7.example.com"], ["--events"]):
            seconds, megabytes = sorted(run(data, *arguments) for _ in range(3))[1]
            click.echo(f"| `{' '.join(['audit', *arguments])}` | {seconds:.2f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()
