"""Webhooks: events sent on to somebody's URL, each at least once and in order.

What is still to be sent stands in activity.json beside the events themselves, in the same atomic
commit, so that no crash loses one; what was sent but not yet committed is sent again, under the
same delivery id. Sending never holds up the recording: each hook has a thread of its own, and a
hook that does not answer keeps a bounded number of events waiting.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from waitroom.registry.hosts import Webhook

log = logging.getLogger(__name__)

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 300.0
_KEPT = 1000  # a hook; beyond it the oldest are given up

Send = Callable[[Webhook, bytes, Mapping[str, str]], None]


class Delivery(msgspec.Struct, frozen=True):
    """One event on its way to one hook."""

    id: str
    url: str
    event: dict[str, Any]


class _Queue:
    """What one hook has yet to get, and the thread that sends it."""

    def __init__(self, hook: Webhook, send: Send, retry_s: float) -> None:
        self.hook = hook
        self.waiting: deque[Delivery] = deque()
        self.changed = False
        self._send = send
        self._retry_s = retry_s
        self._ready = threading.Condition()
        self._full = False  # since the last delivery, so that it is said once
        self._ended = False
        threading.Thread(target=self._run, name="webhook", daemon=True).start()

    @property
    def name(self) -> str:
        """What the log calls it: of the rest of a URL many are secret."""
        parts = urlsplit(self.hook.url)
        return f"{parts.scheme}://{parts.hostname}"

    def put(self, delivery: Delivery) -> None:
        with self._ready:
            if len(self.waiting) == _KEPT:
                self.waiting.popleft()
                if not self._full:
                    log.error(
                        "webhook %s: %d events wait; the oldest are given up", self.name, _KEPT
                    )
                self._full = True
            self.waiting.append(delivery)
            self.changed = True
            self._ready.notify()

    def end(self) -> None:
        with self._ready:
            self._ended = True
            self._ready.notify()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            if self._deliver(delivery):
                with self._ready:
                    if self.waiting and self.waiting[0] is delivery:
                        self.waiting.popleft()
                    self.changed, self._full = True, False

    def _next(self) -> Delivery | None:
        with self._ready:
            self._ready.wait_for(lambda: self.waiting or self._ended)
            return None if self._ended else self.waiting[0]

    def _deliver(self, delivery: Delivery) -> bool:
        """Send until it is taken; False if the end came first, or it was given up meanwhile."""
        body = msgspec.json.encode(delivery.event)
        pause_s = self._retry_s
        while True:
            try:
                self._send(self.hook, body, {"X-Waitroom-Delivery": delivery.id})
            except (OSError, ValueError) as error:  # one of urllib3's own for a name that is none
                if pause_s == self._retry_s:
                    log.warning("webhook %s: trying again: %s", self.name, error)
            else:
                if pause_s > self._retry_s:
                    log.info("webhook %s: takes events again", self.name)
                return True
            with self._ready:
                if self._ready.wait_for(lambda: self._is_over(delivery), pause_s):
                    return False
            pause_s = min(pause_s * 2, _LAST_RETRY_S)

    def _is_over(self, delivery: Delivery) -> bool:
        return self._ended or self.waiting[0] is not delivery


class Webhooks:
    """All hooks. Threads: one calls; each hook's own sends."""

    def __init__(
        self,
        hooks: Iterable[Webhook] = (),
        waiting: Iterable[Mapping[str, Any]] = (),
        *,
        send: Send | None = None,
        retry_s: float = _FIRST_RETRY_S,
    ) -> None:
        """Go on with what an earlier process left `waiting`. Raises: msgspec.ValidationError."""
        self._send = send
        self._retry_s = retry_s
        self._queues: dict[str, _Queue] = {}
        self.adopt(hooks)
        for delivery in msgspec.convert(list(waiting), list[Delivery]):
            if delivery.url in self._queues:
                self._queues[delivery.url].put(delivery)

    def adopt(self, hooks: Iterable[Webhook]) -> None:
        """Go by these hooks from now on; what one that stays has yet to get, it gets."""
        old, self._queues = self._queues, {}
        for hook in hooks:
            queue = old.pop(hook.url, None) or self._begin(hook)
            queue.hook = hook
            self._queues[hook.url] = queue
        for queue in old.values():
            queue.end()

    def put(self, event: Mapping[str, Any]) -> None:
        """Send an event to every hook that asked for its kind."""
        for queue in self._queues.values():
            if not queue.hook.kinds or event.get("kind") in queue.hook.kinds:
                queue.put(Delivery(_number(event), queue.hook.url, dict(event)))

    def take_changed(self) -> bool:
        """Whether `waiting` is another than at the last call."""
        changed = [queue for queue in self._queues.values() if queue.changed]
        for queue in changed:
            queue.changed = False
        return bool(changed)

    def waiting(self) -> list[dict[str, Any]]:
        """Return what is still to be sent, for the commit."""
        return [
            msgspec.to_builtins(delivery)
            for queue in self._queues.values()
            for delivery in tuple(queue.waiting)
        ]

    def undelivered(self) -> int:
        """Return how many are still to be sent. Threads: any may call."""
        return sum(len(queue.waiting) for queue in tuple(self._queues.values()))

    def end(self) -> None:
        """Send no more."""
        for queue in self._queues.values():
            queue.end()

    def _begin(self, hook: Webhook) -> _Queue:
        return _Queue(hook, self._send or _post(), self._retry_s)


def _number(event: Mapping[str, Any]) -> str:
    """Return the same id for the same event, also where a crash has it recorded twice."""
    return hashlib.sha256(msgspec.json.encode(event)).hexdigest()[:32]


def _post() -> Send:
    from sidecar.posting import post  # noqa: PLC0415 - a third of the start, and few have hooks

    return post
