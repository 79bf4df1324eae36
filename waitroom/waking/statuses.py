"""What the providers say, asked at most once a second a host and never in a visitor's thread.

Thousands of visitors may poll one host, and a provider may hang: all visitors share one answer,
and nobody waits longer than two seconds for it. Each question has a thread of its own, one a host
at most: so a provider that hangs takes nothing from the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Status, Upstream

_PATIENCE_S = 2.0
# With a host whose last question was not answered in time: its visitors would hold our threads.
_LITTLE_PATIENCE_S = 0.2
_FRESH_FAULTS_S = 10.0
# What is told once a minute holds until it should have been told again.
_TOLD_HOLDS_S = 90.0


@dataclass(frozen=True, slots=True)
class _Question:
    asked: float  # monotonic
    patience_s: float
    answer: Future[Status]


class Statuses:
    """The last answer for each host."""

    def __init__(self, connect: Callable[[Host], Upstream]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._questions: dict[str, _Question] = {}
        self._told: dict[str, tuple[float, Status]] = {}  # when (monotonic), and what
        self._slow: set[str] = set()  # hosts whose last question was not answered in time
        self._took_s: dict[str, float] = {}  # how long a host's last answer took

    def get(self, host: Host, *, fresh_s: float) -> Status:
        """Return a status that is no older. Raises: UpstreamError, also if none came in time."""
        question = self._question(host, fresh_s)
        left_s = question.asked + question.patience_s - time.monotonic()
        try:
            return question.answer.result(timeout=max(0.0, left_s))
        except TimeoutError:
            self._slow.add(host.name)
            text = "the provider has not answered yet; nothing is known about the upstream"
            raise UpstreamError(Reason.UNREACHABLE, text) from None

    def tell(self, name: str, status: Status) -> None:
        """Take the word of somebody who has asked for many hosts at once."""
        with self._lock:
            self._told[name] = time.monotonic(), status

    def last(self, host: Host, *, fresh_s: float) -> Status:
        """Return what was told of it in the last minute, if nothing has happened to it since.

        Else as `get`. Raises: UpstreamError.
        """
        at, told = self._told.get(host.name, (0.0, None))
        if told and time.monotonic() - at < _TOLD_HOLDS_S:
            return told
        return self.get(host, fresh_s=fresh_s)

    def faults(self, hosts: Iterable[Host], *, within_s: float = _PATIENCE_S) -> list[str]:
        """Say which hosts' providers can't tell how they are; who is asked too late is left out."""
        deadline = time.monotonic() + within_s
        faults: dict[str, str] = {}
        for host in hosts:
            if time.monotonic() > deadline:
                break
            try:
                self.get(host, fresh_s=_FRESH_FAULTS_S)
            except UpstreamError as error:
                fault = f"{error.reason}: {error}"
                faults.setdefault(fault, f"hosts.{host.name!r}: {fault}")
        return list(faults.values())

    def _question(self, host: Host, fresh_s: float) -> _Question:
        now = time.monotonic()
        with self._lock:
            last = self._questions.get(host.name)
            # What comes late is as old as it took when it comes: it must last as long again, or
            # nobody would ever hear it.
            fresh_s = max(fresh_s, 2 * self._took_s.get(host.name, 0.0))
            if last and (now - last.asked < fresh_s or not last.answer.done()):
                return last
            patience_s = _LITTLE_PATIENCE_S if host.name in self._slow else _PATIENCE_S
            question = _Question(now, patience_s, Future())
            try:
                threading.Thread(
                    target=self._ask, args=(host, question), name=f"status-{host.name}", daemon=True
                ).start()
            except RuntimeError as error:  # and nobody waits for an answer that never comes
                text = f"nobody can be asked, the system has no thread left: {error}"
                raise UpstreamError(Reason.UNREACHABLE, text) from error
            self._questions[host.name] = question
        return question

    def _ask(self, host: Host, question: _Question) -> None:
        answer: Status | Exception
        try:
            answer = self._connect(host).status()
        except Exception as error:  # noqa: BLE001 - whoever asked gets it, whatever it is
            answer = error
        took_s = time.monotonic() - question.asked
        if took_s < _PATIENCE_S:
            self._slow.discard(host.name)
        if isinstance(answer, Exception):
            question.answer.set_exception(answer)
        else:
            self._took_s[host.name] = took_s
            question.answer.set_result(answer)

    def forget(self, name: str) -> None:
        """Ask anew next time: something has just happened to the upstream."""
        with self._lock:
            self._questions.pop(name, None)
            self._told.pop(name, None)
