"""What the dashboard's answers take on a year of 100 hosts, a million events: `make bench-dashboard`.

Cold: the first look at a host, so that no month of it is remembered. Warm: the next one. It is the
processor's time: an answer waits for nothing else, and a busy machine makes no difference.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
from flask.testing import FlaskClient

from tests.bench.audit_year import HOSTS, write_year
from tests.waitroom.fakes import a_host
from tests.waitroom.operated import Operated

ROUNDS = 9
PATHS = {
    "all hosts": "/",
    "the live update": "/hosts",
    **{
        f"a host's {p}": f"/hosts/app{{}}.example.com?period={p}"
        for p in ("day", "week", "quarter")
    },
    "events": "/events",
    "events of a host": "/events?host=app{}.example.com",
    "events of a kind that nothing has": "/events?kind=stop_failed",
    "events of a day half a year ago": "/events?until={day}",
}


def took_ms(client: FlaskClient, path: str) -> float:
    """Return what one answer takes."""
    began = time.process_time()
    assert client.get(path).status_code == 200
    return (time.process_time() - began) * 1000


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="bench-dashboard-") as name:
        data = Path(name)
        with ProcessPoolExecutor(1) as pool:
            count = pool.submit(write_year, data).result()
        operated = Operated(data)
        hosts = [a_host(f"app{n}.example.com", cost_per_hour=0.1) for n in range(HOSTS)]
        operated.house.adopt(*hosts)
        client = operated.reader()
        click.echo(f"{count:,} events of {HOSTS} hosts\n")
        click.echo("| page | cold, ms | warm, ms |")
        click.echo("|---|---|---|")
        day = min(path.stem for path in (data / "archive").glob("*.json"))
        for row, (title, path) in enumerate(PATHS.items()):
            # Another host each time: a page that was not asked for before.
            asked = [path.format(row * ROUNDS + n, day=f"{day}-28") for n in range(ROUNDS)]
            cold, warm = (statistics.median(took_ms(client, one) for one in asked) for _ in "cw")
            click.echo(f"| {title} | {cold:.0f} | {warm:.0f} |")
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        click.echo(f"\nPeak of memory: {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
