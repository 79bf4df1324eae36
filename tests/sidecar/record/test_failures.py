"""Each request in one hour, each event once: whatever failed, was killed, came late, or was set."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from tests.sidecar.record.test_recorder import Case, line
from waitroom.record.past import Past

HOSTS = ("a.test", "b.test")


class Life:
    """A recorder's life of odd days; what it has to know afterwards is kept beside it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.case = Case(folder)
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.requests: Counter[tuple[str, str]] = Counter()  # by host and day
        self.events: list[str] = []

    def write_log(self) -> None:
        day = self.case.now - timedelta(days=self.random.choice([0, 0, 1, 2, 3, 40, 200]))
        number, host = self.requests.total() + 1, self.random.choice(HOSTS)
        start = f"{day.astimezone(UTC):%FT%T}.{number:09}Z"
        self.case.write(line(number, host, StartUTC=start))
        self.requests[host, start[:10]] += 1

    def write_journal(self) -> None:
        at = self.case.now - timedelta(days=self.random.choice([0, 0, 1, 2, 40]))
        self.events.append(str(len(self.events)))
        event = {"at": f"{at:%FT%T}Z", "host": self.random.choice(HOSTS), "by": self.events[-1]}
        event["kind"] = self.random.choice(["woken", "slept", "kept"])
        self.case.write(json.dumps(event).encode() + b"\n", self.case.journal)

    def read(self) -> None:
        while self.case.recorder.read():
            pass

    def commit(self) -> None:
        self.read()
        self.case.recorder.commit()

    def fail_to_commit(self) -> None:
        with in_the_way(self.case.folder / "activity.json.tmp"):
            self.commit()

    def fail_to_archive(self) -> None:
        months = list((self.case.folder / "archive").glob("????-??.json"))
        for month in months[: self.random.randint(0, 1)]:
            with in_the_way(month.with_name(f"{month.name}.tmp")):
                self.commit()

    def crash(self) -> None:
        self.case.crash()

    def restart(self) -> None:
        self.case.again().watch(self.case.now - timedelta(minutes=5))

    def pass_time(self) -> None:
        self.case.now += timedelta(hours=self.random.choice([1, 5, 24, 24 * 40]))

    def set_clock(self) -> None:
        step_s = self.random.choice([-60 * 86400, -3 * 86400, -7200, 18000, 2 * 86400])
        self.case.now += timedelta(seconds=step_s)
        event = {"at": self.case.now, "host": "*", "kind": "clock_step", "step_s": step_s}
        self.case.recorder.record(event)


@contextmanager
def in_the_way(path: Path) -> Iterator[None]:
    path.unlink(missing_ok=True)
    path.mkdir()
    yield
    path.rmdir()


def recorded_requests(folder: Path) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for path in (*(folder / "archive").glob("????-??.json"), folder / "activity.json"):
        file = json.loads(path.read_bytes())
        for row in (*file["hours"].values(), *file.get("days", {}).values()):
            hours = row["requests"]
            found[row["host"], row["day"]] = sum(hours) if isinstance(hours, list) else hours
    return +found


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_or_counted_twice(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path, seed)
    acts = [
        life.write_log, life.write_log, life.write_log, life.write_journal, life.read, life.commit,
        life.commit, life.fail_to_commit, life.fail_to_archive, life.crash, life.restart,
        life.pass_time, life.set_clock,
    ]  # fmt: skip
    for act in life.random.choices(acts, k=80):
        act()
    life.commit()
    assert recorded_requests(tmp_path) == life.requests
    assert sorted(e["by"] for e in Past(tmp_path, dict).events() if "by" in e) == sorted(
        life.events
    )
    life.case.recorder.close()
