"""A quarter of one host as the sidecar records it: used in office hours, asleep at night."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from sidecar.record.annals import Annals
from sidecar.record.archive import Archive
from sidecar.record.store import Store

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def write_quarter(folder: Path, host: str, today: datetime, days: int = 100) -> None:
    """Record the days up to today."""
    store = Store(folder)
    annals = Annals(store, Archive(folder))
    annals.watch()
    chance = random.Random(1)  # noqa: S311 - no secret
    for number in range(days):
        day = today.replace(hour=0, minute=0, second=0, microsecond=0) - (days - 1 - number) * DAY
        events = [e for e in _day(host, day, chance, first=not number) if e["at"] <= today]
        _count(annals, host, day, chance, today)
        now = min(day + DAY + 10 * MINUTE, today)
        annals.put(msgspec.to_builtins(events), now)
        annals.archive(now)
    annals.put([], today)
    store.commit()
    store.close()


def _day(
    host: str, day: datetime, chance: random.Random, *, first: bool
) -> Iterator[dict[str, Any]]:
    if first:
        yield {"at": day, "host": "*", "kind": "watch_started"}
        yield {"at": day, "host": host, "kind": "found_stopped"}
    if day.weekday() >= 5:
        return
    for begin, end in ((8, 12), (13, 18)):
        asked = day + begin * HOUR + chance.uniform(0, 30) * MINUTE
        slept = day + end * HOUR + chance.uniform(-30, 60) * MINUTE
        took_s = round(chance.lognormvariate(1.6, 0.5), 1)
        yield {"at": asked, "host": host, "kind": "wake_requested", "gate": "visit",
               "visitor": f"{chance.getrandbits(64):016x}"}  # fmt: skip
        yield {
            "at": asked + timedelta(seconds=took_s),
            "host": host,
            "kind": "woken",
            "took_s": took_s,
        }
        if chance.random() < 0.2:
            yield {"at": slept - 10 * MINUTE, "host": host, "kind": "sleep_called_off",
                   "reason": "visitor", "detail": "a visitor came while it drained"}  # fmt: skip
        yield {"at": slept, "host": host, "kind": "sleep_started", "idle_s": 1800.0}
        evidence = {
            "last_used": slept - 30 * MINUTE,
            "canary": "4f1c2a9b7d3e6058",
            "connections": 0,
        }
        yield {"at": slept + 2 * timedelta(seconds=1), "host": host, "kind": "slept",
               "idle_s": 1800.0, "evidence": evidence}  # fmt: skip


def _count(
    annals: Annals, host: str, day: datetime, chance: random.Random, today: datetime
) -> None:
    if day.weekday() >= 5:
        return
    since_1970 = int(day.timestamp()) // 3600
    for hour in range(8, 18):
        if day + hour * HOUR < today:
            requests = chance.randrange(20, 400) // (3 if hour == 12 else 1)
            annals.hours.count(host, since_1970 + hour, requests, requests * 4 // 5)


if __name__ == "__main__":
    import sys

    write_quarter(Path(sys.argv[1]), "app.test", datetime.now(UTC))
