"""Clocks that are set, zones that change, processes that stand still: nobody is stopped for a jump."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.faults.stack import Stack, stays
from tests.faults.visitors import visited
from tests.support import eventually, missing

HOST = "h0.test"
PAUSE_S = float(os.environ.get("FAULT_PAUSE_S", "4"))
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.mark.parametrize("name", ["sidecar", "waitroom", "traefik"])
@pytest.mark.timeout(120 + 2 * PAUSE_S)
def test_a_process_that_stood_still_stops_nobody_who_is_in_use(lone: Stack, name: str) -> None:
    awake(lone)
    woken = len(lone.events("sleep_started"))
    group = lone.processes[name].pid
    with visited(lone, HOST, patience_s=30 + PAUSE_S) as answers:
        eventually(lambda: len(answers) > 3)
        os.killpg(group, signal.SIGSTOP)
        time.sleep(PAUSE_S)  # several times its idle_after
        os.killpg(group, signal.SIGCONT)
        before = len(answers)
        eventually(lambda: len(answers) > before + 15, within_s=30)
    assert len(lone.events("sleep_started")) == woken
    assert set(answers) == {200}
    lone.all_asleep()
    lone.demand_exact_counts()
    lone.demand_no_fault_of_ours()


def test_another_time_zone_makes_no_difference(lone: Stack) -> None:
    lone.environment["TZ"] = "Asia/Jakarta"
    awake(lone)
    with visited(lone, HOST) as answers:
        for zone in ("America/New_York", "Pacific/Kiritimati"):
            lone.environment["TZ"] = zone
            lone.end("sidecar")
            lone.start("sidecar")
            before = len(answers)
            eventually(lambda n=before: len(answers) > n + 10, within_s=30)  # type: ignore[misc]
    assert set(answers) == {200}
    lone.all_asleep()
    eventually(lambda: lone.events("slept"))
    assert 1 <= lone.events("slept")[-1]["idle_s"] < 60
    lone.demand_exact_counts()


@pytest.mark.parametrize(
    ("hours", "stands_still"), [(1, False), (-1, False), (1, True)], ids=["on", "back", "suspended"]
)
def test_a_clock_that_is_set_starts_the_idle_time_anew_and_holds_up_no_work(
    lone: Stack,
    tmp_path: Path,
    chance: random.Random,
    hours: int,
    stands_still: bool,  # noqa: FBT001 - pytest hands it over by name
) -> None:
    """Only the sidecar's own clock can be set here; under it no command can be run."""
    if not FAKETIME.exists():
        missing("libfaketime (apt install faketime)")
    idle_after_s = chance.choice([4, 5])
    lone.hosts[HOST]["idle_after"] = f"{idle_after_s}s"
    lone.write_hosts()
    setting = tmp_path / "faketime"
    setting.write_text("+0")
    lone.start("waitroom", "traefik")
    lone.environment |= {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(setting),
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    lone.start("sidecar")
    eventually(lambda: lone.is_shadowed(HOST))
    lone.wake_host(HOST)
    eventually(lambda: lone.recorded_counts()[HOST][0] > 0)
    group = lone.processes["sidecar"].pid
    if stands_still:
        os.killpg(group, signal.SIGSTOP)
    replace(setting, f"{hours:+d}h")
    os.killpg(group, signal.SIGCONT)
    eventually(lambda: lone.events("clock_step"), within_s=30)
    beaten = lone.heartbeat()
    eventually(lambda: lone.heartbeat() > beaten, what="the sidecar's jobs go on")
    stays(lambda: lone.app_pid(HOST), for_s=2)
    eventually(lambda: lone.events("sleep_called_off"), within_s=30, what="it is to sleep again")
    decided, step = (moment(lone.events(k)[-1]) for k in ("sleep_called_off", "clock_step"))
    assert (decided - step).total_seconds() >= idle_after_s


def replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def moment(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["at"])


def awake(stack: Stack) -> None:
    stack.start()
    stack.all_asleep()
    stack.wake_host(HOST)
