"""Many clients that ask one URL over kept connections: wrk where there is one, else asyncio.

wrk (a Debian package) takes a tenth of the CPU, and so leaves the machine to what is measured;
with the other one the server looks slower than it is. `NAME` is for the report.

`pause_s`: each client rests so long between two requests, more or less 15 percent, and comes at
its own moment: so a waiting page asks. Without it each asks again at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.figures import percentile

WRK = shutil.which("wrk")
NAME = "wrk" if WRK else "asyncio (no wrk here: apt-get install wrk)"

_LUA = """
local pause_ms, clients, asked = %d, %d, 0
math.randomseed(os.time())
if pause_ms > 0 then
  function delay()
    asked = asked + 1
    if asked <= clients then return math.random() * pause_ms end
    return pause_ms * (0.85 + 0.3 * math.random())
  end
end
function done(summary, latency, requests)
  io.write(string.format('\\n{"seconds": %%f, "answers": %%d, "failed": %%d, "p50_ms": %%f, "p99_ms": %%f}\\n',
    summary.duration / 1e6, summary.requests,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    seconds: float
    answers: int
    failed: int  # no connection, a connection that broke, or no answer within 2 s
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds


def load(
    url: str,
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    pause_s: float = 0.0,
) -> Load:
    """Ask for so long."""
    if WRK:
        return _wrk(url, headers, clients, seconds, pause_s)
    return asyncio.run(_asyncio(url, headers, clients, seconds, pause_s))


def _wrk(
    url: str, headers: Mapping[str, str], clients: int, seconds: float, pause_s: float
) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA % (pause_s * 1000, clients))
        script.flush()
        argv = [WRK or "", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s"]
        argv += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        ended = subprocess.run(
            [*argv, "-s", script.name, url], capture_output=True, text=True, check=True
        )
    return Load(**json.loads(ended.stdout.rstrip().rpartition("\n")[2]))


async def _asyncio(
    url: str, headers: Mapping[str, str], clients: int, seconds: float, pause_s: float
) -> Load:
    parts = urlsplit(url)
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {parts.path or '/'} HTTP/1.1\r\n{text}\r\n".encode()
    end, took_s, faults = time.monotonic() + seconds, list[float](), list[Exception]()

    async def client() -> None:
        await asyncio.sleep(pause_s * random.random())  # noqa: S311 - no secret
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            while time.monotonic() < end:
                began = time.monotonic()
                writer.write(request)
                await _answer(reader)
                took_s.append(time.monotonic() - began)
                await asyncio.sleep(pause_s * random.uniform(0.85, 1.15))  # noqa: S311 - no secret
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as fault:
            faults.append(fault)

    await asyncio.gather(*(client() for _ in range(clients)))
    p50_s, p99_s = percentile(took_s, 50), percentile(took_s, 99)
    return Load(seconds, len(took_s), len(faults), p50_s * 1000, p99_s * 1000)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    await reader.readexactly(int(length))
