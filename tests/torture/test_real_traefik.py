"""A real Traefik under load: its log is rotated and the reader killed, and no request is missed."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tinydb import TinyDB

from tests.support import eventually, free_port, traefik_program
from tests.torture.reader import HOSTS, open_recorder
from traefik import static

ROOT = Path(__file__).parent.parent.parent
MEGABYTES = int(os.environ.get("TORTURE_MB", "4"))
ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "10"))


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer takes 40 ms

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Stack:
    """Traefik with an app behind it, visitors who count, and a reader that is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "logs" / "access.log"
        self.data = folder / "data"
        self.port = free_port()
        self.agent = "Mozilla/5.0"
        self.made: Counter[str] = Counter()
        self.ended = threading.Event()
        for name in ("logs", "data", "routes"):
            (folder / name).mkdir()
        self.app = ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.traefik = self.start_traefik()
        eventually(self.serves, what="Traefik serves")
        self.reader: subprocess.Popen[bytes] | None = None

    def start_traefik(self) -> subprocess.Popen[bytes]:
        rule = " || ".join(f"Host(`{host}`)" for host in HOSTS)
        url = f"http://127.0.0.1:{self.app.server_address[1]}"
        routes = {
            "http": {
                "routers": {"app": {"rule": rule, "service": "app"}},
                "services": {"app": {"loadBalancer": {"servers": [{"url": url}]}}},
            }
        }
        (self.folder / "routes" / "app.yml").write_text(yaml.safe_dump(routes))
        config = self.folder / "traefik.yml"
        config.write_text(
            static.render(
                (ROOT / "traefik" / "traefik.yml").read_text(),
                address=f"127.0.0.1:{self.port}",
                routes=str(self.folder / "routes"),
                access_log=str(self.log),
            )
        )
        with (self.folder / "traefik.log").open("wb") as log:
            return subprocess.Popen(
                [traefik_program(), f"--configFile={config}"], stdout=log, stderr=log
            )

    def serves(self) -> bool:
        try:
            return self.ask(http.client.HTTPConnection("127.0.0.1", self.port), HOSTS[0])
        except OSError:
            return False

    def ask(self, connection: http.client.HTTPConnection, host: str) -> bool:
        connection.request("GET", "/", headers={"Host": host, "User-Agent": self.agent})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.HTTPStatus.OK:
            self.made[host] += 1
        return answer.status == http.HTTPStatus.OK

    def visit(self, host: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        while not self.ended.is_set():
            assert self.ask(connection, host)
            time.sleep(0.001)
        connection.close()

    def rotate(self, number: int, late_s: float) -> None:
        self.log.rename(self.log.with_name(f"access.log.{number}"))
        time.sleep(late_s)
        self.traefik.send_signal(signal.SIGUSR1)

    def restart_reader(self, *options: str) -> None:
        self.kill_reader()
        program = Path(__file__).with_name("reader.py")
        self.reader = subprocess.Popen(
            [sys.executable, program, self.data, self.log, *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def kill_reader(self) -> None:
        if self.reader is not None:
            self.reader.kill()
            self.reader.wait()

    def recorded(self) -> dict[str, int]:
        recorder = open_recorder(self.data, self.log)
        while recorder.read():
            pass
        recorder.close()
        with TinyDB(self.data / "activity.json", access_mode="r") as database:
            return {doc["host"]: doc["requests"] for doc in database.table("hosts")}

    def close(self) -> None:
        self.ended.set()
        self.kill_reader()
        self.traefik.terminate()
        self.traefik.wait(15)
        self.app.shutdown()
        self.app.server_close()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path)
    yield made
    made.close()


def test_rotations_and_kills_lose_no_request(stack: Stack) -> None:
    chance = random.Random(1)  # noqa: S311 - to be played again
    stack.recorded()
    visitors = [threading.Thread(target=stack.visit, args=(host,)) for host in HOSTS[:3]]
    for visitor in visitors:
        visitor.start()
    for number in range(ROUNDS):
        stack.restart_reader()
        time.sleep(chance.uniform(0.2, 0.8))  # any moment will do: that is the point
        stack.rotate(number, chance.uniform(0, 0.5))
        eventually(stack.log.exists, what="Traefik has opened a new log")
    stack.ended.set()
    for visitor in visitors:
        visitor.join()
    stack.kill_reader()
    stack.reader = None
    assert sum(stack.made.values()) > ROUNDS * 100
    eventually(lambda: stack.recorded() == dict(stack.made), within_s=5, what="all are counted")


def test_a_log_that_nobody_rotates_takes_no_disk(stack: Stack) -> None:
    stack.agent += "x" * 4000  # long lines make a long log of few requests
    stack.recorded()
    stack.restart_reader("release")
    visitors = [threading.Thread(target=stack.visit, args=(host,)) for host in HOSTS[:3]]
    for visitor in visitors:
        visitor.start()
    most = 0
    while stack.log.stat().st_size < MEGABYTES * 1_000_000:
        time.sleep(0.5)
        most = max(most, stack.log.stat().st_blocks * 512)
        if stack.traefik.poll() is not None:
            pytest.fail("Traefik has ended")
        if random.random() < 0.2:  # noqa: S311 - any moment will do
            stack.restart_reader("release")
    stack.ended.set()
    for visitor in visitors:
        visitor.join()
    stack.kill_reader()
    stack.reader = None
    eventually(lambda: stack.recorded() == dict(stack.made), within_s=5, what="all are counted")
    assert most < 3_500_000
    assert stack.log.stat().st_size >= MEGABYTES * 1_000_000
