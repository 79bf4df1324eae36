"""Sleeping and waking again and again, while visitors of every kind are about.

FAULT_CYCLES=200 is the long form (`make faults`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.visitors import Account, Crowd, Visitor, Waker
from tests.integration.local import ROOT, Local
from tests.support import eventually, free_port

CYCLES = int(os.environ.get("FAULT_CYCLES", "6"))
KINDS = ("get", "post", "big", "sse", "websocket")
HOSTS = 4


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Local]:
    """Four hosts, each with an app of its own that keeps an account."""
    local = Local(tmp_path)
    local.hosts = {f"h{i}.test": app_keys(tmp_path / f"h{i}") for i in range(HOSTS)}
    local.write_hosts()
    yield local
    for name in tuple(local.processes):
        local.end(name)
    for keys in local.hosts.values():
        subprocess.run(keys["command"]["stop"], cwd=ROOT, check=False, timeout=30)


def app_keys(folder: Path) -> dict[str, object]:
    folder.mkdir()
    port = free_port()
    argv = [sys.executable, "-m", "tests.faults.app"]
    return {
        "command": {
            what: [*argv, what, str(folder), str(port)] for what in ("start", "stop", "status")
        },
        "url": f"http://127.0.0.1:{port}",
        "idle_after": "1s",
    }


@pytest.mark.timeout(180 + 10 * CYCLES)
def test_no_visitor_of_any_kind_is_cut_off_and_no_post_is_done_twice(
    stack: Local, tmp_path: Path
) -> None:
    stack.start()
    for host in stack.hosts:
        eventually(lambda name=host: stack.get(host=name).headers.get("X-Waitroom") == "asleep")  # type: ignore[misc]
    account, ended = Account(), threading.Event()
    threads: list[threading.Thread] = []
    for i, host in enumerate(stack.hosts):
        crowd = Crowd()
        threads += [
            Visitor(
                kind, stack.url, host, crowd=crowd, account=account, ended=ended, seed=10 * i + j
            )
            for j, kind in enumerate(KINDS)
        ]
        shadow = stack.routes / f"{host}.asleep.yml"
        threads.append(
            Waker(stack.url, host, shadow=shadow, crowd=crowd, ended=ended, seed=1000 + i)
        )
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(stack.events("slept")) >= CYCLES, within_s=60 + 10 * CYCLES)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    taken = Counter(
        line for i in range(HOSTS) for line in (tmp_path / f"h{i}" / "taken").read_text().split()
    )
    print(f"\n{len(stack.events('slept'))} sleeps; {dict(account.done)}; {len(taken)} bodies taken")  # noqa: T201 - the figures of `make faults`
    assert account.faults == []
    assert not list(tmp_path.glob("h*/cut")), "an app was stopped in use"
    assert {number: taken[number] for number in account.posted if taken[number] != 1} == {}
    assert account.refused.isdisjoint(taken)
