"""Thousands who wait, through the real Traefik: no thread is theirs, and few connections are made."""

from __future__ import annotations

import contextlib
import resource
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.integration.local import BROWSER, HOST, Local
from tests.support import eventually

STATUS = "/.waitroom/status"


@pytest.fixture
def waking(tmp_path: Path) -> Iterator[Local]:
    """A host that runs when it is woken, and never answers."""
    stack = Local(tmp_path)
    mark = str(tmp_path / "runs")
    stack.hosts[HOST]["command"] = {
        "start": ["touch", mark], "stop": ["rm", mark], "status": ["test", "-e", mark],
    }  # fmt: skip
    stack.write_hosts()
    stack.start("waitroom", "traefik")
    eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep")
    stack.post_wake(stack.token(stack.get()))
    eventually(lambda: stack.state() == "waking")
    yield stack
    stack.close()


def worker(stack: Local) -> psutil.Process:
    [process] = psutil.Process(stack.processes["waitroom"].pid).children()
    return process


def test_who_waits_and_who_says_nothing_holds_no_thread(waking: Local) -> None:
    threads = worker(waking).num_threads()
    with contextlib.ExitStack() as stack, requests.Session() as visitor:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", waking.room_port)))
        url = f"http://127.0.0.1:{waking.room_port}{STATUS}"
        for _ in range(1000):
            told = visitor.get(url, headers={"Host": HOST}).json()
            assert told["state"] == "waking"
        assert worker(waking).num_threads() < threads + 10


def test_who_waits_sees_it_go_on_and_is_handed_over(waking: Local) -> None:
    with requests.Session() as visitor:

        def ask() -> requests.Response:
            headers = {"Host": HOST, "User-Agent": BROWSER}
            return visitor.get(waking.url + STATUS, headers=headers, timeout=5)

        eventually(lambda: "does not answer yet" in ask().json()["message"])
        before = ask().json()["elapsed_s"]
        eventually(lambda: ask().json()["elapsed_s"] > before)
        subprocess.run(waking.app_command("start"), check=True)
        eventually(lambda: "X-Waitroom" not in ask().headers, what="the app answers")


def test_the_proxy_keeps_its_connections_to_the_waiting_room(waking: Local) -> None:
    def poll(_: int) -> int:
        with requests.Session() as visitor:
            headers = {"Host": HOST, "User-Agent": BROWSER}
            return {
                visitor.get(waking.url + STATUS, headers=headers).status_code for _ in range(20)
            }.pop()

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(poll, range(64))) == {200}
    ports = [c for c in worker(waking).net_connections("tcp") if c.laddr.port == waking.room_port]
    assert sum(c.status == psutil.CONN_ESTABLISHED for c in ports) > 4


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ntok",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=["silence", "half a head", "half a body", "no leave"],
)
def test_nothing_that_is_sent_to_the_admin_listener_holds_up_either(
    waking: Local, sent: bytes
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4200):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", waking.admin_port)))
            client.sendall(sent)
        with requests.Session() as visitor:
            headers = {"Host": HOST, "User-Agent": BROWSER}
            assert visitor.get(waking.url, headers=headers, timeout=5).status_code == 503
            assert visitor.get(waking.url + STATUS, headers=headers, timeout=5).ok
        health = f"http://127.0.0.1:{waking.admin_port}/healthz"
        eventually(lambda: requests.get(health, timeout=10).ok, what="the admin listener answers")


def test_more_connections_than_files_end_nothing_but_the_longest_idle(tmp_path: Path) -> None:
    stack = Local(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        stack.spawn("waitroom")
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        eventually(lambda: stack.state() == "asleep")
        process = worker(stack)
        with contextlib.ExitStack() as idle:
            for _ in range(300):
                address = ("127.0.0.1", stack.room_port)
                idle.enter_context(socket.create_connection(address))
            assert stack.state() == "asleep"
        assert worker(stack) == process
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        stack.close()
