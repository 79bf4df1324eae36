"""The main job as a person sees it: `python -m waitroom demo`, a browser, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.support import eventually, free_port, traefik_program

ROOT = Path(__file__).parent.parent.parent


class Demo:
    def __init__(self, data: Path) -> None:
        traefik_program()
        self.data = data
        self.port = free_port()
        self.said_path = data / "said"
        argv = [
            *(sys.executable, "-m", "waitroom", "demo", "--idle-after", "6s"),
            *("--port", str(self.port), "--admin-port", str(free_port()), "--data", str(data)),
        ]
        with self.said_path.open("w") as said:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=said, stderr=said)

    def said(self) -> list[str]:
        return re.findall(r"app\.localhost  (\w+)", self.said_path.read_text())

    def left_behind(self) -> list[str]:
        """Every process that was told where this demo's folder is."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), *process.environ().values()]
            except (psutil.Error, OSError):
                continue
            if process.pid not in (os.getpid(), self.process.pid) and str(self.data) in " ".join(
                words
            ):
                found.append(" ".join(process.cmdline()))
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    if demo.process.poll() is None:
        demo.process.send_signal(signal.SIGINT)
        demo.process.wait(20)


def test_a_browser_wakes_it_without_a_click_and_it_sleeps_again_and_ctrl_c_ends_all(
    demo: Demo, browser: Browser
) -> None:
    eventually(lambda: demo.said() == ["asleep"], within_s=30, what="it sleeps")
    url = f"http://app.localhost:{demo.port}"
    asleep = requests.get(
        f"http://127.0.0.1:{demo.port}/", headers={"Host": "app.localhost"}, timeout=5
    )
    assert (asleep.status_code, asleep.headers["X-Waitroom"]) == (503, "asleep")
    assert asleep.headers["Cache-Control"] == "no-store"
    assert "Retry-After" in asleep.headers
    for round_ in (1, 2):
        context = browser.new_context(locale="id-ID")
        page = context.new_page()
        page.goto(f"{url}/deep/page?x=1&y=2#part")
        expect(page.locator("body")).to_contain_text("/deep/page?x=1&y=2", timeout=20_000)
        assert page.url == f"{url}/deep/page?x=1&y=2#part"
        context.close()
        asleep_again = round_ + 1
        eventually(
            lambda n=asleep_again: demo.said().count("asleep") == n,
            within_s=40,
            what="it sleeps again",
        )
    assert "awake" in demo.said()
    assert demo.left_behind()
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(20) == 130
    assert demo.left_behind() == []


def test_a_port_that_is_taken_and_a_wrong_duration_are_one_line_each(
    demo: Demo, tmp_path: Path
) -> None:
    eventually(lambda: demo.said() == ["asleep"], within_s=30)
    for options, code, line in (
        (["--port", str(demo.port), "--data", str(tmp_path / "other")], 1, f"port {demo.port} can't be used"),
        (["--data", str(tmp_path)], 1, "a demo runs here already"),
        (["--idle-after", "soon"], 2, "Expected a duration such as"),
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "waitroom", "demo", *options], cwd=ROOT, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == code
        assert line in done.stderr
        assert "Traceback" not in done.stderr


def test_its_environment_makes_the_commands_speak_to_it(demo: Demo, tmp_path: Path) -> None:
    eventually(lambda: demo.said() == ["asleep"], within_s=30, what="it sleeps")
    commands = (
        "waitroom check", "waitroom wake app.localhost", "sidecar explain app.localhost",
        "sidecar audit --events",
    )  # fmt: skip
    lines = ". ./environment && " + " && ".join(f"python -m {command}" for command in commands)
    done = subprocess.run(
        ["/bin/sh", "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": os.defpath},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "All is well" in done.stdout
    assert "app.localhost is awake." in done.stdout
    assert "woken" in done.stdout
