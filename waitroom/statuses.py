"""What the providers say, asked at most once a second a host and never in a visitor's thread.

Thousands of visitors may poll one host, and a provider may hang: each question runs in a small
pool, all visitors share its answer, and nobody waits longer than two seconds for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from waitroom.errors import Reason, UpstreamError
from waitroom.hosts import Host
from waitroom.upstreams.base import Status, Upstream

_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Question:
    asked: float  # monotonic
    answer: Future[Status]


class Statuses:
    """The last answer for each host."""

    def __init__(self, connect: Callable[[Host], Upstream]) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="status")
        self._lock = threading.Lock()
        self._questions: dict[str, _Question] = {}

    def get(self, host: Host, *, fresh_s: float) -> Status:
        """Return a status that is no older. Raises: UpstreamError, also if none came in time."""
        question = self._question(host, fresh_s)
        left_s = question.asked + _PATIENCE_S - time.monotonic()
        try:
            return question.answer.result(timeout=max(0.0, left_s))
        except TimeoutError:
            text = "the provider has not answered yet; nothing is known about the upstream"
            raise UpstreamError(Reason.UNREACHABLE, text) from None

    def _question(self, host: Host, fresh_s: float) -> _Question:
        now = time.monotonic()
        with self._lock:
            last = self._questions.get(host.name)
            if last and (now - last.asked < fresh_s or not last.answer.done()):
                return last
            answer = self._pool.submit(lambda: self._connect(host).status())
            self._questions[host.name] = _Question(now, answer)
            return self._questions[host.name]

    def forget(self, name: str) -> None:
        """Ask anew next time: the upstream was just started or stopped by us."""
        with self._lock:
            self._questions.pop(name, None)
