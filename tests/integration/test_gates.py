"""Who wakes, through the real Traefik: floods, budgets, tokens, and what is left of the visitors."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from tests.integration.local import BROWSER, HOST, ROOT, Local
from tests.support import eventually

JSON = {"Accept": "application/json"}
CURL = {"User-Agent": "curl/8.5.0", "Accept": "*/*"}
Room = Callable[..., Local]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A waiting room whose one host sleeps and has the keys that the test gives."""
    stacks: list[Local] = []

    def make(**keys: Any) -> Local:
        stacks.append(stack := Local(tmp_path, **keys))
        start = " ".join(stack.app_command("start"))
        command = ["sh", "-c", f"echo >> {tmp_path / 'starts'}; exec {start}"]
        stack.hosts[HOST]["command"]["start"] = command
        stack.write_hosts()
        stack.start("waitroom", "traefik")
        # HEAD, as a GET would wake an open host.
        eventually(lambda: stack.get(method="HEAD").headers.get("X-Waitroom") == "asleep")
        return stack

    yield make
    for stack in stacks:
        stack.close()


def kinds(room: Local) -> Counter[str]:
    lines = filter(None, (room.data / "journal.jsonl").read_bytes().split(b"\n"))
    return Counter(msgspec.json.decode(line)["kind"] for line in lines)


def flood(room: Local, times: int, **how: Any) -> set[int]:
    with ThreadPoolExecutor(16) as pool:
        return set(pool.map(lambda _: room.get(**how).status_code, range(times)))


@pytest.mark.parametrize("gate", ["visit", "click", "chess", "closed"])
def test_floods_of_get_wake_nothing(room: Room, gate: str) -> None:
    stack = room(gate=gate)
    assert flood(stack, 100) == {503}
    assert flood(stack, 100, headers=CURL) == {503}
    assert flood(stack, 50, path="/.waitroom/wake") == {503}
    assert flood(stack, 50, headers=CURL, method="HEAD") == {503}
    assert kinds(stack)["wake_requested"] == 0
    assert not stack.app_runs()


def test_who_is_nobody_gets_a_short_answer_and_nothing_to_solve(room: Room) -> None:
    stack = room()
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    for headers in (
        CURL,
        {"User-Agent": bot},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Fetch-Dest": "image"},
    ):
        answer = stack.get(headers=headers)
        assert answer.status_code == 503
        assert answer.headers["X-Waitroom"] == "asleep"
        assert int(answer.headers["Retry-After"]) > 0
        assert len(answer.content) < 300
    answer = stack.get(headers=CURL | JSON)
    assert answer.json()["wake"] is None


def test_no_machine_wakes_with_the_token_of_a_persons_page(room: Room) -> None:
    stack = room()
    token = stack.token(stack.get())
    bot = {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
    answer = stack.get("/.waitroom/wake", method="POST", data={"token": token}, headers=bot)
    assert answer.status_code == 403
    assert not stack.app_runs()


def test_an_open_host_wakes_for_any_request_and_says_wait(room: Room) -> None:
    stack = room(gate="open")
    assert stack.get(headers=CURL, method="HEAD").headers["X-Waitroom"] == "asleep"
    answer = stack.get("/api", headers=CURL | JSON, method="PUT", data=b"x")
    assert (answer.status_code, answer.headers["X-Waitroom"]) == (503, "waking")
    eventually(stack.is_awake)
    assert kinds(stack)["wake_requested"] == 1


@pytest.mark.parametrize("gate", ["visit", "closed"])
def test_a_token_wakes_and_others_do_not(room: Room, gate: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "waitroom", "token"], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    token, digest = (line.split()[1] for line in made.stdout.splitlines())
    assert hashlib.sha256(token.encode()).hexdigest() == digest
    stack = room(gate=gate, tokens=[digest])
    for wrong in (digest, token[:-1], ""):
        bearer = CURL | {"Authorization": f"Bearer {wrong}"}
        assert stack.get(headers=bearer).headers["X-Waitroom"] == "asleep"
        assert stack.get("/.waitroom/wake", method="POST", headers=bearer).status_code == 403
    bearer = CURL | JSON | {"Authorization": f"Bearer {token}"}
    assert stack.get("/.waitroom/wake", method="POST", headers=bearer).status_code == 202
    eventually(stack.is_awake)


def test_from_an_allowed_network_no_work_is_asked_for(room: Room) -> None:
    stack = room(gate="chess", allow=["127.0.0.0/8"])
    answer = stack.get(headers=JSON)
    data = {"token": answer.json()["wake"]["token"]}
    assert stack.get("/.waitroom/wake", method="POST", data=data, headers=JSON).status_code == 202
    eventually(stack.is_awake)


def test_who_steps_into_a_trap_wakes_nothing_for_an_hour_and_others_do(room: Room) -> None:
    stack = room()
    token = stack.token(stack.get())
    answer = stack.get("/.env")
    assert (answer.status_code, answer.content) == (404, b"")
    assert stack.post_wake(token).status_code == 403
    answer = stack.get(headers=JSON)
    assert answer.json()["wake"] is None
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    other = {"User-Agent": BROWSER.replace("140", "141")}
    assert stack.get(headers=other | JSON).json()["wake"]["token"]


def test_a_spent_budget_says_when_it_opens_again(room: Room) -> None:
    stack = room(budget={"wakes_per_day": 1})
    token = stack.token(stack.get())
    stack.wake()
    sleep(stack)
    refused = stack.post_wake(token)
    assert refused.status_code == 429
    for answer in (refused, stack.get(headers=JSON)):
        assert 86_000 < int(answer.headers["Retry-After"]) <= 86_400
        assert answer.json()["wake"] is None
    assert kinds(stack)["wake_requested"] == 1


def sleep(stack: Local) -> None:
    subprocess.run(stack.app_command("stop"), check=True)
    eventually(lambda: stack.get(headers=JSON).headers.get("X-Waitroom") == "asleep")


def test_of_500_who_ask_at_once_one_start_runs_and_the_day_has_its_budget_and_no_more(
    room: Room,
) -> None:
    """Also when the waiting room is killed in the middle of it."""
    stack = room(allow=["127.0.0.0/8"], budget={"wakes_per_day": 5, "wakes_per_visitor": 500})
    starts = 0
    for round_ in range(8):
        killed = round_ in (1, 3)
        eventually(lambda: stack.state() == "asleep")
        ask_at_once(stack, kill=killed)
        if killed:
            stack.start("waitroom")
        granted = min(round_ + 1, 5)
        eventually(
            lambda granted=granted: kinds(stack)["wake_requested"] == granted,
            what=f"round {round_}",
        )
        if round_ < 5:
            eventually(stack.is_awake, within_s=60)
            starts, before = (stack.data / "starts").read_text().count("\n"), starts
            assert killed or starts == before + 1  # a start may be repeated after a kill
            subprocess.run(stack.app_command("stop"), check=True)
            eventually(lambda: stack.get(headers=JSON).headers.get("X-Waitroom") == "asleep")
    assert kinds(stack)["wake_requested"] == 5
    assert not stack.app_runs()


def ask_at_once(stack: Local, *, kill: bool) -> None:
    """Post 500 wakes straight to the waiting room; `kill` it when the first was granted."""
    before = kinds(stack)["wake_requested"]
    url = f"http://127.0.0.1:{stack.room_port}"
    headers = {"Host": HOST, "User-Agent": BROWSER, **JSON}

    def ask(session: requests.Session) -> None:
        how: dict[str, Any] = {"headers": headers, "timeout": 20, "allow_redirects": False}
        try:
            answer = session.get(url, **how)
            wake = answer.json()["wake"] if answer.status_code == 503 else None
            if wake:
                session.post(f"{url}/.waitroom/wake", data={"token": wake["token"]}, **how)
        except requests.RequestException:
            assert kill

    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask, requests.Session()) for _ in range(500)]
        if kill:
            eventually(lambda: kinds(stack)["wake_requested"] > before)
            stack.end("waitroom", signal.SIGKILL)
        for each in asked:
            each.result()


def test_nothing_that_a_run_leaves_behind_leads_back_to_its_visitors(tmp_path: Path) -> None:
    """Neither in our files nor, but for the agent that tells crawlers apart, in Traefik's log."""
    stack = Local(tmp_path, gate="click", budget={"wakes_per_day": 2})
    stack.environment["WAITROOM_LOG"] = "json"
    stack.start()
    try:
        eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep")
        secret = "Zaphod-Beeblebrox"
        agents = [f"{BROWSER} {secret}{i}" for i in range(5)]
        where = {"headers": {"User-Agent": agents[0], "X-Forwarded-For": "203.0.113.77"}}
        token = stack.token(stack.get(f"/{secret}?q={secret}", **where))
        for agent, path in (
            (agents[1], "/.env"),
            (agents[2], "/.waitroom/chess"),
            (agents[3], f"/{secret}"),
        ):
            stack.get(path, headers={"User-Agent": agent, "Referer": f"http://x/{secret}"})
        assert stack.post_wake(token).status_code == 202
        eventually(lambda: stack.events("woken"))
        eventually(lambda: stack.events("slept"), within_s=40)
        stack.wake()
        eventually(lambda: len(stack.events("slept")) == 2, within_s=40)
    finally:
        for name in ("sidecar", "waitroom", "traefik"):
            stack.end(name)
        stack.close()
    ours = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "access.log"]
    assert len(ours) > 5
    for path in ours:
        text = path.read_bytes()
        assert secret.encode() not in text, path
        assert b"203.0.113.77" not in text, path
        if path.name in ("journal.jsonl", "activity.json"):
            assert b"127.0.0.1" not in text, path
            assert b"Mozilla" not in text, path
