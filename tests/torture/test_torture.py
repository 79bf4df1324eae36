"""Torture: a writer who keeps the truth, every kind of rotation, and kill -9 of the reader.

Seeded, so that a failure can be played again: the seed is in the test's name. The long form is
`TORTURE_RUNS=100 TORTURE_LINES=50000` (`make torture`).
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinydb import TinyDB

from tests.torture.reader import HOSTS, open_recorder

RUNS = int(os.environ.get("TORTURE_RUNS", "4"))
LINES = int(os.environ.get("TORTURE_LINES", "6000"))
ROOT = Path(__file__).parent.parent.parent


class Torture:
    """One log, its writer, and a reader that is killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be played again
        self.data = folder / "data"
        self.path = folder / "logs" / "access.log"
        self.data.mkdir()
        self.path.parent.mkdir()
        self.requests: Counter[str] = Counter()
        self.bytes_out: Counter[str] = Counter()
        self.lines = 0
        self.rotations = 0
        self.kills = 0
        self.reopen_in = 0  # bursts until the writer reopens after a rename
        self.writer = -1
        self.idle_files: list[Path] = []  # rotated, and nobody writes them any more
        self.renamed: list[Path] = []  # rotated, and still written
        self.reader: subprocess.Popen[bytes] | None = None
        self.reopen()
        recorder = open_recorder(self.data, self.path)
        recorder.read()
        recorder.commit()
        recorder.close()  # what is rotated from now on is not older than the first start

    def reopen(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.idle_files += self.renamed
        self.renamed = []

    def close(self) -> None:
        os.close(self.writer)
        self.kill()

    def burst(self) -> None:
        for _ in range(self.random.randrange(1, 200)):
            self.lines += 1
            host, size = self.random.choice(HOSTS), self.random.randrange(10_000)
            self.requests[host] += 1
            self.bytes_out[host] += size
            second, nanosecond = divmod(self.lines * 1_000_003, 1_000_000_000)
            self.put(
                b'{"DownstreamContentSize":%d,"DownstreamStatus":200,"Duration":%d,"RequestHost":"%s",'
                b'"ServiceName":"app@file","StartUTC":"2026-01-02T03:%02d:%02d.%09dZ"}\n'
                % (size, size * 1000, host.encode(), second // 60, second % 60, nanosecond)
            )

    def put(self, line: bytes) -> None:
        if self.random.random() < 0.02:  # a write that the reader may see in two pieces
            cut = self.random.randrange(len(line))
            os.write(self.writer, line[:cut])
            time.sleep(0.002)
            line = line[cut:]
        os.write(self.writer, line)

    def rename(self) -> None:
        self.shift()
        self.renamed.append(self.path.rename(self.path.with_name("access.log.1")))
        self.reopen_in = self.random.randrange(4)
        self.rotations += 1
        if self.reopen_in == 0:
            self.reopen()

    def shift(self) -> None:
        """Renumber the older files, as logrotate does."""
        for paths in (self.idle_files, self.renamed):
            paths[:] = [
                path.rename(path.with_name(self.next_name(path.name)))
                for path in sorted(paths, key=self.number, reverse=True)
            ]

    def number(self, path: Path) -> int:
        return int(path.name.removesuffix(".gz").rpartition(".")[2])

    def next_name(self, name: str) -> str:
        packed = ".gz" if name.endswith(".gz") else ""
        stem, _, number = name.removesuffix(".gz").rpartition(".")
        return f"{stem}.{int(number) + 1}{packed}"

    def copytruncate(self) -> None:
        if self.renamed:
            return
        self.shift()
        copy = self.path.with_name("access.log.1")
        shutil.copy(self.path, copy)
        os.truncate(self.path, 0)
        self.idle_files.append(copy)
        self.rotations += 1

    def pack(self) -> None:
        """Compress as gzip does: the old file goes when the new one is whole."""
        plain = [path for path in self.idle_files if path.suffix != ".gz"]
        if plain:
            path = self.random.choice(plain)
            packed = path.with_name(path.name + ".gz")
            with path.open("rb") as source, gzip.open(packed, "wb", 1) as target:
                shutil.copyfileobj(source, target)
            path.unlink()
            self.idle_files[self.idle_files.index(path)] = packed

    def several(self) -> None:
        for _ in range(3):
            self.burst()
            if not self.renamed:
                self.rename()
            self.reopen()

    def kill(self) -> None:
        if self.reader is not None:
            self.reader.send_signal(signal.SIGKILL)
            self.reader.wait()
            self.reader = None
            self.kills += 1

    def start(self) -> None:
        if self.reader is None:
            program = Path(__file__).with_name("reader.py")
            self.reader = subprocess.Popen(
                [sys.executable, program, self.data, self.path],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def step(self) -> None:
        self.burst()
        if self.renamed:
            self.reopen_in -= 1
            if self.reopen_in <= 0:
                self.reopen()
        acts = [self.copytruncate, self.pack, self.several, self.kill, self.start, self.start]
        if not self.renamed:
            acts.append(self.rename)
        if self.random.random() < 0.4:
            self.random.choice(acts)()
        time.sleep(self.random.random() * 0.02)

    def result(self) -> dict[str, tuple[int, int]]:
        """What a last reader finds after all."""
        self.kill()
        recorder = open_recorder(self.data, self.path)
        while recorder.read():
            pass
        assert not recorder.read()  # what was truncated is understood at the next look
        recorder.commit()
        recorder.close()
        with TinyDB(self.data / "activity.json", access_mode="r") as database:
            return {
                doc["host"]: (doc["requests"], doc["bytes_out"]) for doc in database.table("hosts")
            }

    def truth(self) -> dict[str, tuple[int, int]]:
        return {host: (self.requests[host], self.bytes_out[host]) for host in self.requests}


@pytest.fixture
def torture(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Torture]:
    made = Torture(tmp_path, request.param)
    yield made
    made.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("torture", range(RUNS), indirect=True)
def test_every_line_is_counted_once(torture: Torture) -> None:
    torture.start()
    while torture.lines < LINES:
        torture.step()
    assert torture.result() == torture.truth(), (torture.rotations, torture.kills)
