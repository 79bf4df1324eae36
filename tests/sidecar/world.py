"""A world in which hosts wake, sleep, fail and are started by hand, and which knows the truth.

Seeded: the same seed is the same month. What really happened is kept beside what is recorded of it,
in microseconds, so that sums can be compared exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

SECOND = 1_000_000
HOUR = 3600 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Truth:
    """One host: what it really did, and how much of it can be known."""

    awake: bool | None = None  # None: nobody has seen it yet
    told_us: int = 0  # up to here its time is in the sums
    sums: dict[str, int] = field(default_factory=lambda: {"awake": 0, "asleep": 0, "unknown": 0})
    spans: list[tuple[str, int, int]] = field(default_factory=list)  # wall clock
    wakes: int = 0
    false_wakes: int = 0
    called_off: int = 0
    failed_stops: int = 0


class World:
    """Time goes on with each act.

    Its clock is right, is set for good now and then, or goes wrong for a while.
    """

    def __init__(self, seed: int, hosts: int, begin: datetime, clock: str = "right") -> None:
        self.clock = clock
        self.wrong_us = 0  # by so much the clock is wrong now
        self.booted = False  # since the machine was booted
        self.random = random.Random(seed)  # noqa: S311 - a world, no secret
        self.now_us = round(begin.timestamp() * SECOND)  # as if the clock was never set
        self.steps: list[tuple[int, int]] = [(0, 0)]
        self.events: list[dict[str, Any]] = []
        self.truth = {f"h{n}.test": Truth(told_us=self.now_us) for n in range(hosts)}
        self.record("*", "watch_started")

    def run(self, until: datetime) -> None:
        """Let things happen until then."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (30, self.wake), (30, self.sleep), (3, self.fail_to_wake), (3, self.wake_without_end),
            (4, self.start_by_hand), (4, self.stop_by_hand), (8, self.call_off), (4, self.fail_to_stop),
            (5, self.miss_something), (2, self.die_while_stopping),
            (0, self.set_clock if self.clock == "set" else self.mislead_clock),
        ]  # fmt: skip
        weights = [weight for weight, _ in acts]
        while self.now_us < round(until.timestamp() * SECOND):
            weights[-1] = self.haste_to_set_clock()
            self.pass_time(1, 4 * 3600)
            [(_, act)] = self.random.choices(acts, weights)
            act()

    def haste_to_set_clock(self) -> int:
        """Return how likely that is: a clock is wrong for a shorter time than it was right."""
        if self.clock == "right" or (self.clock == "wrong" and len(self.events) < 50):
            return 0
        return 40 if self.wrong_us else 4

    # What passes.

    def pass_time(self, shortest_s: float, longest_s: float) -> None:
        self.now_us += round(self.random.uniform(shortest_s, longest_s) * SECOND)

    def wall(self) -> int:
        return self.now_us + self.steps[-1][1] + self.wrong_us

    def true_moment(self) -> datetime:
        return self.moment(self.now_us)

    def moment(self, wall_us: int | None = None) -> datetime:
        return EPOCH + timedelta(microseconds=self.wall() if wall_us is None else wall_us)

    def record(self, host: str, kind: str, **fields: Any) -> None:
        self.events.append({"at": self.moment(), "host": host, "kind": kind, **fields})

    def tell(self, host: str, state: str, until_us: int) -> None:
        truth = self.truth[host]
        start_us, truth.told_us = truth.told_us, until_us
        truth.sums[state] += until_us - start_us
        for (begins, offset), (ends, _) in zip(
            self.steps, [*self.steps[1:], (until_us, 0)], strict=True
        ):
            low, high = max(start_us, begins), min(until_us, ends)
            if low < high:
                truth.spans.append((state, low + offset, high + offset))

    def state(self, host: str) -> str:
        return {None: "unknown", True: "awake", False: "asleep"}[self.truth[host].awake]

    def turn(self, host: str, *, awake: bool | None, at_us: int | None = None) -> None:
        at_us = self.now_us if at_us is None else at_us
        if self.truth[host].awake is not awake:
            self.tell(host, self.state(host), at_us)
            self.truth[host].awake = awake

    def one(self, *, awake: bool) -> str:
        fitting = [host for host, t in self.truth.items() if t.awake is awake or t.awake is None]
        return self.random.choice(fitting or list(self.truth))

    # What happens.

    def wake(self) -> None:
        host = self.one(awake=False)
        if self.truth[host].awake:
            return
        asked_us = self.now_us
        self.record(host, "wake_requested", gate="visit", visitor="p" * 16)
        self.pass_time(0.1, 200)
        took_s = (self.now_us - asked_us) / SECOND
        self.record(host, "woken", took_s=took_s)
        self.turn(host, awake=True, at_us=asked_us)
        self.truth[host].wakes += 1
        if self.random.random() < 0.3:
            self.pass_time(600, 3600)
            self._sleep(host, last_used=None)
            self.truth[host].false_wakes += 1

    def sleep(self) -> None:
        host = self.one(awake=True)
        if self.truth[host].awake is not False:
            self._sleep(host, last_used=self.moment())

    def _sleep(self, host: str, last_used: datetime | None) -> None:
        self.record(host, "sleep_started", idle_s=1800.0)
        self.turn(host, awake=True)
        self.pass_time(0.1, 90)
        self.record(host, "slept", idle_s=1800.0, evidence={"last_used": last_used, "canary": "c"})
        self.turn(host, awake=False)

    def fail_to_wake(self) -> None:
        host = self.one(awake=False)
        if self.truth[host].awake is not False:
            return
        asked_us = self.now_us
        self.record(host, "wake_requested", gate="visit", visitor="p" * 16)
        self.pass_time(1, 300)
        reason = self.random.choice(["capacity", "quota", "permission", "timeout", "failed"])
        self.record(host, "wake_failed", reason=reason, detail="no")
        if reason in ("timeout", "failed"):
            self.turn(host, awake=None, at_us=asked_us)

    def wake_without_end(self) -> None:
        """The waiting room dies while it wakes; the next wake is another one."""
        host = self.one(awake=False)
        if self.truth[host].awake is not False:
            return
        asked_us = self.now_us
        self.record(host, "wake_requested", gate="click", visitor="q" * 16)
        self.pass_time(1, 7200)
        self.turn(host, awake=None, at_us=asked_us)
        again_us = self.now_us
        self.record(host, "wake_requested", gate="click", visitor="q" * 16)
        self.pass_time(1, 60)
        self.record(host, "woken", took_s=1.0)
        self.turn(host, awake=True, at_us=again_us)
        self.truth[host].wakes += 1

    def start_by_hand(self) -> None:
        host = self.one(awake=False)
        self.record(host, "found_running")
        self.turn(host, awake=True)

    def stop_by_hand(self) -> None:
        host = self.one(awake=True)
        self.record(host, "found_stopped")
        self.turn(host, awake=False)

    def call_off(self) -> None:
        host = self.one(awake=True)
        self.truth[host].called_off += 1
        if self.truth[host].awake:
            self.record(host, "sleep_called_off", reason="connections", detail="1 open")
        else:
            self.record(host, "sleep_called_off", reason="not_known", detail="no answer")

    def fail_to_stop(self) -> None:
        host = self.one(awake=True)
        if not self.truth[host].awake:
            return
        self.record(host, "sleep_started", idle_s=1800.0)
        self.pass_time(1, 30)
        self.record(host, "stop_failed", reason="permission", detail="no")
        self.truth[host].failed_stops += 1

    def miss_something(self) -> None:
        """Nobody watches for a while, and some hosts are started or stopped meanwhile."""
        began_us = self.now_us
        self.pass_time(1, 10 * 3600)
        self.record("*", "watch_started", unwatched_s=(self.now_us - began_us) / SECOND)
        for host, truth in self.truth.items():
            if truth.awake is None or self.random.random() < 0.6:
                continue
            self.pass_time(0.1, 20)
            was = truth.awake
            self.record(host, "found_stopped" if was else "found_running")
            self.tell(host, self.state(host), began_us)
            self.tell(host, "unknown", self.now_us)
            truth.awake = not was
        self.pass_time(1000, 1001)  # what is found later was not missed

    def die_while_stopping(self) -> None:
        host = self.one(awake=True)
        if not self.truth[host].awake:
            return
        self.record(host, "sleep_started", idle_s=1800.0)
        self.pass_time(0.1, 1)
        died_us = self.now_us
        self.pass_time(1, 3600)
        self.record("*", "watch_started", unwatched_s=(self.now_us - died_us) / SECOND)
        self.tell(host, "awake", died_us)
        self.truth[host].awake = None
        self.pass_time(1, 60)
        self.record(host, "found_stopped")
        self.turn(host, awake=False)
        self.pass_time(1000, 1001)

    def set_clock(self) -> None:
        step_us = self.random.choice([-1, 1]) * self.random.randrange(2 * SECOND, 3 * HOUR)
        self.steps.append((self.now_us, self.steps[-1][1] + step_us))
        self.record("*", "clock_step", step_s=step_us / SECOND, detail="the clock was set")

    def mislead_clock(self) -> None:
        """Set the clock wrong, or right again: while the sidecar watches, is off, or boots."""
        step_us, how = -self.wrong_us, self.random.choice(["watched", "off", "booted"])
        if not self.wrong_us:
            largest = self.random.choice([3 * HOUR, 40 * 24 * HOUR, 9 * 365 * 24 * HOUR])
            step_us = self.random.choice([-1, 1]) * self.random.randrange(2 * SECOND, largest)
        self.wrong_us += step_us
        began_us, longest_s = self.now_us, 3600
        if how == "booted":
            # How long the machine was off, no clock tells; it shows afterwards, if that was once.
            how = "off" if self.booted or abs(step_us) < 2 * HOUR else "booted"
        self.booted = bool(self.wrong_us) and (self.booted or how == "booted")
        if how == "watched":
            self.note_step(step_us)
            return
        self.pass_time(1, longest_s)
        off_us = self.now_us - began_us
        if how == "off":
            self.note_step(step_us)
            self.record("*", "watch_started", unwatched_s=off_us / SECOND)
        else:
            off_us += step_us
            if off_us < 0:
                self.note_step(off_us)
            self.record("*", "watch_started", unwatched_s=max(0, off_us) / SECOND, rebooted=True)
        self.pass_time(1000, 1001)

    def note_step(self, step_us: int) -> None:
        self.record("*", "clock_step", step_s=step_us / SECOND, detail="the clock was set")

    def set_right(self) -> None:
        if self.wrong_us:
            step_us, self.wrong_us = -self.wrong_us, 0
            self.note_step(step_us)

    def end(self) -> datetime:
        """Bring the sums up to now."""
        for host in self.truth:
            self.tell(host, self.state(host), self.now_us)
        return self.moment()
