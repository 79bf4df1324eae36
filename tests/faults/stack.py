"""The stack of the fault tests: several hosts, each with an app that keeps an account.

What the sidecar recorded is compared with the access log as a reader without any cleverness of
ours reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.faults import app
from tests.integration.local import ROOT, Local
from tests.support import eventually, free_port

# The shadow files agree with the truth within this time, whatever was killed.
AGREES_WITHIN_S = 5.0
ASLEEP_WITHIN_S = 30.0
WOKEN_WITHIN_S = 30.0


class Stack(Local):
    """The whole product over a number of hosts, each with a folder of its own."""

    def __init__(self, folder: Path, *, hosts: int = 4, **keys: Any) -> None:
        super().__init__(folder)
        names = [f"h{number}.test" for number in range(hosts)]
        self.hosts = {name: self._app_keys(name, **keys) for name in names}
        self.write_hosts()

    def _app_keys(self, name: str, **keys: Any) -> dict[str, Any]:
        folder, port = self.home(name), free_port()
        folder.mkdir()
        return {
            "command": app.commands(folder, port), "url": f"http://127.0.0.1:{port}", "idle_after": "1s", "work": 2,
            "budget": {"wakes_per_day": 10_000, "wakes_per_visitor": 10_000}, **keys,
        }  # fmt: skip

    def write_hosts(self) -> None:
        keys = {"budget": {"wakes_per_day": 1_000_000}, "hosts": self.hosts}
        (self.data / "hosts.yaml").write_text(yaml.safe_dump(keys))

    def start(self, *names: str) -> None:
        super().start(*names)
        if {"waitroom", "traefik"} <= self.processes.keys():
            for name in self.hosts:  # a Traefik that has just started leads nowhere yet: 404
                eventually(lambda host=name: self.answers(host), what=f"Traefik leads to {name}")  # type: ignore[misc]

    def home(self, name: str) -> Path:
        """Where the app of a host keeps its account."""
        return self.data / name.removesuffix(".test")

    def all_asleep(self) -> None:
        """Wait until nothing runs and all is shadowed: no upstream runs on for ever."""
        for name in self.hosts:
            eventually(
                lambda host=name: self.sleeps(host), within_s=ASLEEP_WITHIN_S, what=f"{name} sleeps"
            )  # type: ignore[misc]

    def sleeps(self, name: str) -> bool:
        return self.is_shadowed(name) and self.app_pid(name) is None

    def is_shadowed(self, name: str) -> bool:
        return (self.routes / f"{name}.asleep.yml").exists()

    def agrees(self, name: str) -> bool:
        """Whether the shadow says of the app what is so."""
        return self.is_shadowed(name) == (self.app_pid(name) is None)

    def app_pid(self, name: str) -> int | None:
        """The process of an app, if it runs; without a command, so that nobody is disturbed."""
        try:
            pid = int((self.home(name) / "app.pid").read_text())
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(self.home(name)).encode() in argv else None

    def answers(self, name: str) -> bool:
        """Whether there is an answer of the app's, or an honest one of ours; keeps nobody awake."""
        try:
            answer = self.get(host=name, headers={"User-Agent": "kube-probe/1.30"})
        except requests.RequestException:
            return False
        return answer.status_code == requests.codes.ok or "X-Waitroom" in answer.headers

    def wake_host(self, name: str, within_s: float = 30.0) -> None:
        """Wake a host as its page does, and wait until its app answers."""
        eventually(lambda: self.try_to_wake(name), within_s=within_s, what=f"{name} is awake")

    def asked_token(self, name: str) -> str:
        """Return the token of a host's page."""
        return self.token(self.get(host=name))

    def try_to_wake(self, name: str) -> bool:
        """Ask once as its page does; whether its app answers already."""
        answer = self.get(host=name)
        if "X-Waitroom" in answer.headers and 'name="token"' in answer.text:
            self.post_wake(self.token(answer), name)
        return "X-Waitroom" not in answer.headers and answer.status_code == requests.codes.ok

    def taken(self, name: str) -> list[str]:
        """Return what was POSTed to its app."""
        return self._account(name, "taken")

    def cut_off_by_crashes(self, name: str) -> int:
        """Return how many requests its app left half answered when it crashed."""
        return sum(map(int, self._account(name, "crashed")))

    def _account(self, name: str, what: str) -> list[str]:
        account = self.home(name) / what
        return account.read_text().split() if account.exists() else []

    def set_mood(self, name: str, mood: str) -> None:
        """Say how its app behaves from its next start on: see `app.serve`."""
        (self.home(name) / "mood").write_text(mood)

    def heartbeat(self) -> int:
        return (self.data / "sidecar.alive").stat().st_ctime_ns

    def run(self, argv: list[str]) -> None:
        subprocess.run(argv, cwd=ROOT, check=True, timeout=30)

    def app_answers(self, name: str) -> bool:
        answer = self.get(host=name)
        return answer.status_code == requests.codes.ok and "X-Waitroom" not in answer.headers

    def kill_app(self, name: str) -> None:
        pid = self.app_pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def journal(self) -> list[dict[str, Any]]:
        return list(_objects(Path(self.environment["WAITROOM_DATA"]) / "journal.jsonl"))

    def log_lines(self) -> list[dict[str, Any]]:
        """The access log, canaries and probes of ours left out."""
        lines = _objects(self.data / "access.log")
        ours = ("waitroom-canary/",)
        return [line for line in lines if not line.get("request_User-Agent", "").startswith(ours)]

    def demand_exact_counts(self) -> None:
        """Demand that activity.json counts what the log says, and has each journal line once."""
        eventually(
            lambda: self.recorded_counts() == self.true_counts(),
            what=f"{self.recorded_counts()} becomes {self.true_counts()}",
        )
        journal = Counter(_identity(event) for event in self.journal())
        recorded = Counter(
            {key: n for key, n in Counter(map(_identity, self.events())).items() if key in journal}
        )
        assert recorded == journal

    def true_counts(self) -> dict[str, tuple[int, int]]:
        """Per host: lines that its app answered, and lines that the waiting room did."""
        own, waiting = Counter[str](), Counter[str]()
        for line in self.log_lines():
            service = line.get("ServiceName", "")
            if line["RequestHost"] in self.hosts and service:
                (waiting if service == "waitroom@file" else own)[line["RequestHost"]] += 1
        return {name: (own[name], waiting[name]) for name in self.hosts}

    def recorded_counts(self) -> dict[str, tuple[int, int]]:
        try:
            found = {doc["host"]: doc for doc in self.activity()["hosts"].values()}
        except FileNotFoundError:  # nothing is recorded yet
            found = {}
        return {
            name: (found[name]["requests"], found[name]["waiting"]) if name in found else (0, 0)
            for name in self.hosts
        }

    def demand_no_lost_wake(self) -> None:
        """Demand that each wake that was asked for ends; one may have been asked for just now."""
        eventually(
            lambda: not self.open_wakes(), within_s=WOKEN_WITHIN_S, what="no wake is under way"
        )

    def open_wakes(self) -> set[str]:
        """Return the hosts whose wake was asked for and has not ended."""
        open_wakes = set()
        for event in self.journal():
            if event["kind"] == "wake_requested":
                open_wakes.add(event["host"])
            elif event["kind"] in ("woken", "wake_failed"):
                open_wakes.discard(event["host"])
        return open_wakes

    def demand_no_fault_of_ours(self) -> None:
        """Demand that neither process met what it did not expect."""
        for name in ("waitroom", "sidecar"):
            text = self.log(name)
            assert "fault of ours" not in text, text
            assert "Traceback" not in text, text

    def end_all(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(15)
        self.processes.clear()

    def close(self) -> None:
        self.end_all()
        for name, keys in self.hosts.items():
            subprocess.run(keys["command"]["stop"], cwd=ROOT, check=False, timeout=30)
            self.kill_app(name)


def stays(holds: Callable[[], object], *, for_s: float) -> None:
    """Demand that something holds all the time; nothing but time can show that."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        assert holds()
        time.sleep(0.02)


def _identity(event: dict[str, Any]) -> tuple[str, str, str]:
    return event["at"], event["host"], event["kind"]


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """Each whole JSON line; half a line of somebody who was killed is none."""
    lines: Iterable[str] = path.read_text(errors="replace").splitlines() if path.exists() else ()
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
