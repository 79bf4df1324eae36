"""A real Traefik under load: its log is rotated and the reader killed, and no request is missed."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
import yaml
from tinydb import TinyDB

from tests.support import eventually, free_port, traefik_program
from tests.torture.reader import HOSTS, open_recorder
from traefik import static

ROOT = Path(__file__).parent.parent.parent
REQUESTS = int(os.environ.get("TORTURE_REQUESTS", "20000"))
PIPELINED = 100  # requests sent at once, so that the visitor costs less than Traefik
ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "10"))


TEAPOT = HOSTS[-1]  # answered by Traefik's own empty service, which is as fast as it gets


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
        self.made: Counter[str] = Counter()
        self.asked_more = 0  # requests beyond those of a test itself
        self.ended = threading.Event()
        for name in ("logs", "data", "routes"):
            (folder / name).mkdir()
        self.app = ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.traefik = self.start_traefik()
        eventually(self.serves, what="Traefik serves")
        self.reader: subprocess.Popen[bytes] | None = None

    def start_traefik(self) -> subprocess.Popen[bytes]:
        rule = " || ".join(f"Host(`{host}`)" for host in HOSTS[:-1])
        url = f"http://127.0.0.1:{self.app.server_address[1]}"
        routes = {
            "http": {
                "routers": {
                    "app": {"rule": rule, "service": "app"},
                    "teapot": {"rule": f"Host(`{TEAPOT}`)", "service": "noop@internal"},
                },
                "services": {"app": {"loadBalancer": {"servers": [{"url": url}]}}},
            }
        }
        (self.folder / "routes" / "app.yml").write_text(yaml.safe_dump(routes))
        static_configuration = yaml.safe_load(
            static.render(
                (ROOT / "traefik" / "traefik.yml").read_text(),
                address=f"127.0.0.1:{self.port}",
                routes=str(self.folder / "routes"),
                access_log=str(self.log),
            )
        )
        static_configuration["accessLog"]["addInternals"] = True  # the teapot's lines too
        config = self.folder / "traefik.yml"
        config.write_text(yaml.safe_dump(static_configuration))
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
        connection.request("GET", "/", headers={"Host": host})
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

    def flood(self, count: int) -> None:
        """Make requests as fast as Traefik answers."""
        request = f"GET / HTTP/1.1\r\nHost: {TEAPOT}\r\nUser-Agent: Mozilla/5.0\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            for _ in range(count // PIPELINED):
                connection.sendall(request * PIPELINED)
                answered, rest = 0, b""
                while answered < PIPELINED:
                    data = connection.recv(1 << 16)
                    assert data, "Traefik has closed the connection"
                    answered += (rest + data).count(b"HTTP/1.1 418 ")
                    rest = (rest + data)[-12:]

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

    def disk_bytes(self) -> int:
        """How much of the disk the log takes."""
        return self.log.stat().st_blocks * 512

    def has_little_left(self) -> bool:
        """Cause one more commit; whether the log takes no more than one step of the release."""
        self.flood(PIPELINED)
        self.asked_more += PIPELINED
        return self.disk_bytes() < 1_500_000

    def read_lines(self) -> int:
        """How many lines were read in all, each once."""
        self.recorded()
        with TinyDB(self.data / "activity.json", access_mode="r") as database:
            [totals] = database.table("totals")
            return int(totals["lines"])

    def recorded(self) -> dict[str, int]:
        recorder = open_recorder(self.data, self.log)
        while recorder.read():
            pass
        recorder.commit()
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
    """`make bench-release` does it with a million requests."""
    chance = random.Random(1)  # noqa: S311 - to be played again
    eventually(lambda: stack.recorded() == dict(stack.made), what="the first request is recorded")
    before = stack.read_lines()
    stack.restart_reader("release")
    visitors = [threading.Thread(target=stack.flood, args=(REQUESTS // 2,)) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    most = 0
    while any(visitor.is_alive() for visitor in visitors):
        time.sleep(0.1)
        most = max(most, stack.disk_bytes())
        if chance.random() < 0.05:
            stack.restart_reader("release")
    # How much it takes on the way is a figure; that it is given back holds on any machine.
    eventually(stack.has_little_left, what="what the next commit proved unneeded is given back")
    stack.kill_reader()
    stack.reader = None
    made = before + REQUESTS + stack.asked_more
    eventually(lambda: stack.read_lines() == made, within_s=5, what="all are counted")
    size = stack.log.stat().st_size
    click.echo(
        f"{made:,} requests, all counted; a log of {size / 1e6:,.0f} MB took"
        f" {most / 1e6:.1f} MB of disk at most"
    )
    assert size > 4_500_000
