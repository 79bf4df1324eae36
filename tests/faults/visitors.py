"""Visitors of every kind, who notice whatever goes wrong with their own request.

What is ours to answer (our own 503, or the 307 that sends a visitor on) is no fault; any other
5xx, a reset, a body cut short, a socket closed without a word, or a POST done twice is one.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import requests
import websockets.exceptions
import websockets.sync.client

from tests.faults.app import BIG_BYTES, SSE_EVENTS
from tests.faults.stack import Stack

AGENT = "visitor"
_TIMEOUT_S = 20


class Fault(Exception):  # noqa: N818 - what a visitor finds, not an error of ours
    pass


@dataclass
class Account:
    """What all visitors together saw."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)  # answered by the app: taken exactly once
    refused: set[str] = field(default_factory=set)  # answered by us: not taken


@dataclass
class Crowd:
    """How long a host is crowded, as it is after each wake."""

    until: float = 0.0  # monotonic


class Visitor(threading.Thread):
    """One visitor of one host, who comes again and again until `ended`."""

    def __init__(
        self, kind: str, url: str, host: str, *,
        crowd: Crowd, account: Account, ended: threading.Event, seed: int,
    ) -> None:  # fmt: skip
        super().__init__(name=f"{kind}-{host}")
        self.kind, self.url, self.host = kind, url, host
        self.crowd, self.account, self.ended = crowd, account, ended
        self.session = requests.Session()  # keep-alive
        self.session.trust_env = False
        self.session.headers["User-Agent"] = AGENT
        self.chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
        self.numbers = itertools.count()
        self.sent = 0  # requests, whatever became of them

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                came = getattr(self, self.kind)()
                self.account.done[f"{self.kind} {'done' if came else 'held off'}"] += 1
            except Exception as error:  # noqa: BLE001 - whatever a visitor meets is to be told
                at = time.strftime("%H:%M:%S")
                self.account.faults.append(f"{at} {self.kind} {self.host}: {error!r}")
            self.pause()

    def pause(self) -> None:
        """Crowd in after a wake; later come now and then, so that the five of a host leave it idle about every other time."""
        crowded = time.monotonic() < self.crowd.until
        self.ended.wait(0.05 if crowded else self.chance.uniform(2, 30))

    def ask(self, path: str, **kwargs: object) -> requests.Response | None:
        """Ask until the app has answered, or we have: then None."""
        method = str(kwargs.pop("method", "GET"))
        for _ in range(20):
            self.sent += 1
            answer = self.session.request(
                method, self.url + path, headers={"Host": self.host}, timeout=_TIMEOUT_S,
                allow_redirects=False, **kwargs,  # type: ignore[arg-type]
            )  # fmt: skip
            if answer.status_code == requests.codes.ok:
                return answer
            self.demand_ours(answer.status_code, answer.headers.get("X-Waitroom"))
            if answer.status_code == requests.codes.unavailable:
                return None
        raise Fault("sent on twenty times")

    def demand_ours(self, status: int, state: str | None) -> None:
        if state is None or status not in (503, 307):
            raise Fault(f"{status}, X-Waitroom: {state}")

    def get(self) -> bool:
        return self.ask("/") is not None

    def post(self) -> bool:
        number = f"{self.name}-{next(self.numbers)}"
        came = self.ask("/", method="POST", data=f"{number} {'x' * 50_000}") is not None
        (self.account.posted if came else self.account.refused).add(number)
        return came

    def big(self) -> bool:
        answer = self.ask("/big")
        if answer and len(answer.content) != BIG_BYTES:
            raise Fault(f"{len(answer.content)} of {BIG_BYTES} bytes")
        return answer is not None

    def sse(self) -> bool:
        answer = self.ask("/sse")
        if answer and answer.text.count("data: ") != SSE_EVENTS:
            raise Fault(f"{answer.text.count('data: ')} of {SSE_EVENTS} events")
        return answer is not None

    def websocket(self) -> bool:
        address, port = self.url.removeprefix("http://").split(":")
        self.sent += 1
        try:
            with websockets.sync.client.connect(
                f"ws://{self.host}/ws", sock=socket.create_connection((address, int(port))),
                user_agent_header=AGENT,
            ) as line:  # fmt: skip
                for number in range(5):
                    line.send(str(number))
                    if line.recv(timeout=_TIMEOUT_S) != str(number):
                        raise Fault("another echo")
                    time.sleep(0.1)
        except websockets.exceptions.InvalidStatus as error:
            headers = error.response.headers
            self.demand_ours(error.response.status_code, headers.get("X-Waitroom"))
            return False
        except websockets.exceptions.ConnectionClosed as error:
            raise Fault("cut off") from error
        return True


@contextlib.contextmanager
def visited(stack: Stack, host: str, *, patience_s: float = 30.0) -> Iterator[list[int]]:
    """Have somebody use the host all the time; what he was answered, 0 for nothing.

    Whom we send on comes again at once, as every browser does.
    """
    answers: list[int] = []
    ended = threading.Event()

    def visit() -> None:
        while not ended.wait(0.2):
            status = requests.codes.temporary_redirect
            while status == requests.codes.temporary_redirect:
                status = answered()
            answers.append(status)

    def answered() -> int:
        try:
            return stack.get(host=host, timeout=patience_s).status_code
        except requests.RequestException:
            return 0

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


class Waker(threading.Thread):
    """Wakes a host some time after it fell asleep, as somebody's page would."""

    def __init__(
        self, host: str, wake: Callable[[str], object], *,
        shadow: Path, crowd: Crowd, ended: threading.Event, seed: int,
    ) -> None:  # fmt: skip
        super().__init__(name=f"waker-{host}")
        self.host, self.wake, self.shadow, self.crowd, self.ended = host, wake, shadow, crowd, ended
        self.chance = random.Random(seed)  # noqa: S311 - a seed, not a secret

    def run(self) -> None:
        while not self.ended.wait(self.chance.uniform(0, 1)):
            if not self.shadow.exists():  # its own request would keep the host awake
                continue
            with contextlib.suppress(requests.RequestException, ValueError):  # the visitors tell
                self.wake(self.host)
                self.crowd.until = time.monotonic() + 2


class Town:
    """Visitors of every kind, and somebody who wakes, for each host; they come until `end`."""

    KINDS = ("get", "post", "big", "sse", "websocket")

    def __init__(
        self,
        url: str,
        hosts: Iterable[str],
        routes: Path,
        *,
        wake: Callable[[str], object],
        seed: int,
        kinds: Iterable[str] = KINDS,
    ) -> None:
        self.account, self.ended = Account(), threading.Event()
        self.visitors: list[Visitor] = []
        self.wakers: list[Waker] = []
        for i, host in enumerate(hosts):
            crowd = Crowd()
            self.visitors += [
                Visitor(
                    kind, url, host, crowd=crowd, account=self.account, ended=self.ended,
                    seed=seed + 10 * i + j,
                )
                for j, kind in enumerate(kinds)
            ]  # fmt: skip
            shadow = routes / f"{host}.asleep.yml"
            self.wakers.append(
                Waker(
                    host, wake, shadow=shadow, crowd=crowd, ended=self.ended, seed=seed + 1000 + i
                )
            )

    def __enter__(self) -> Self:
        for thread in (*self.visitors, *self.wakers):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in (*self.visitors, *self.wakers):
            thread.join()

    def sent(self) -> int:
        return sum(visitor.sent for visitor in self.visitors)
