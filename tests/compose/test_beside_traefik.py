"""examples/beside-traefik as it stands: an app of another project, with two labels of ours.

One test: each waiting room, and each Traefik with labels, sees all containers of the engine, so two
examples beside each other would both announce the host, and be refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.compose.stack import ROOT, UP_TIMEOUT_S, docker, wait_until
from tests.support import free_port

EXAMPLE = ROOT / "examples" / "beside-traefik"
TOKEN = re.compile(r"<input[^>]*\bname=[\"']?token\b[^>]*\bvalue=[\"']?([^\"'\s>]+)")
BROWSER = {
    "Host": "shop.localhost",
    "Accept": "text/html",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True, slots=True)
class Example:
    """Both projects, under names of their own."""

    name: str
    port: int
    folder: Path

    def compose(self, file: str, *arguments: str) -> None:
        override = self.folder / file
        files = ["-f", str(EXAMPLE / file), "-f", str(override)]
        docker(
            "compose", "-p", f"{self.name}-{override.stem}", *files, *arguments,
            environment={"WAITROOM_PORT": str(self.port), "WEB_NETWORK": self.name},
        )  # fmt: skip

    def idle_after(self, text: str) -> None:
        """Say how soon the app sleeps."""
        override = {"services": {"shop": {"labels": {"waitroom.idle_after": text}}}}
        (self.folder / "shop.yml").write_text(json.dumps(override))

    @property
    def app(self) -> str:
        return f"{self.name}-shop-shop-1"

    def of_app(self, what: str) -> str:
        return docker("inspect", "--format", f"{{{{{what}}}}}", self.app).strip()

    def get(self, path: str = "/") -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=BROWSER, timeout=10)

    def restart_traefik(self) -> None:
        docker("restart", "--time=2", f"{self.name}-compose-traefik-1")
        wait_until("Traefik listens", self._is_up)

    def _is_up(self) -> bool:
        try:
            self.get()
        except requests.ConnectionError:
            return False
        return True

    def is_served(self) -> bool:
        """Whether the app itself answers, by its own router."""
        answer = self.get()
        return answer.text == "Hello from the shop\n" and "X-Waitroom" not in answer.headers

    def state(self) -> str | None:
        """Return what the waiting room says; None where it is not the one that answers."""
        return self.get().headers.get("X-Waitroom")


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    name = f"waitroom-beside-{os.getpid()}"
    example = Example(name, free_port(), tmp_path)
    ours = {service: {"image": name} for service in ("waitroom", "sidecar")}
    (example.folder / "compose.yml").write_text(json.dumps({"services": ours}))
    example.idle_after("3s")
    example.compose(
        "compose.yml", "up", "-d", "--build", "--wait", f"--wait-timeout={UP_TIMEOUT_S}"
    )
    example.compose("shop.yml", "up", "-d")
    yield example
    example.compose("shop.yml", "down", "--timeout=2")
    example.compose("compose.yml", "down", "--volumes", "--timeout=5")
    docker("image", "rm", name)


def test_a_project_that_knows_nothing_of_us_but_two_labels_sleeps_and_wakes(
    example: Example,
) -> None:
    falls_asleep_and_is_woken_with_its_labels_untouched(example)
    recreated_it_is_the_same_host_and_by_hand_it_stops_and_starts(example)
    traefik_started_anew_serves_it_awake_and_asleep(example)
    removed_it_is_no_host_any_more(example)


def falls_asleep_and_is_woken_with_its_labels_untouched(example: Example) -> None:
    wait_until("the app is served", example.is_served)
    before = example.of_app(".Id"), example.of_app("json .Config.Labels")

    wait_until("the idle app is stopped", lambda: example.of_app(".State.Status") == "exited")
    page = example.get("/orders?page=2")
    assert (page.status_code, page.headers["X-Waitroom"]) == (503, "asleep")
    token = TOKEN.search(page.text)
    assert token
    url = f"http://127.0.0.1:{example.port}/.waitroom/wake"
    requests.post(url, headers=BROWSER, data={"token": token[1]}, timeout=10)

    wait_until("the app is served again", example.is_served)
    assert (example.of_app(".Id"), example.of_app("json .Config.Labels")) == before


def recreated_it_is_the_same_host_and_by_hand_it_stops_and_starts(example: Example) -> None:
    before = example.of_app(".Id")
    example.idle_after("1h")
    example.compose("shop.yml", "up", "-d", "--timeout=2")
    assert example.of_app(".Id") != before
    wait_until("the new one is served", example.is_served)

    docker("stop", "--time=2", example.app)
    wait_until("it is led to the waiting room", lambda: example.state() == "asleep")
    docker("start", example.app)
    wait_until("it is handed back", example.is_served, deadline_s=10)


def traefik_started_anew_serves_it_awake_and_asleep(example: Example) -> None:
    example.restart_traefik()
    wait_until("the app is served", example.is_served)
    docker("stop", "--time=2", example.app)
    wait_until("it is led to the waiting room", lambda: example.state() == "asleep")
    example.restart_traefik()
    wait_until("it still is", lambda: example.state() == "asleep")


def removed_it_is_no_host_any_more(example: Example) -> None:
    example.compose("shop.yml", "down", "--timeout=2")
    wait_until("nobody knows the host", lambda: example.get().status_code == 404)
