"""Discovery: containers that announce themselves come and go, and the waiting room knows at once.

Listen first, then list, so that nothing falls between the two; when the stream ends, the same
again. Whatever happens to a container has its host looked at now. Only the waiting room listens:
what it finds it writes down for both processes (`containers`).
"""

from __future__ import annotations

import logging
import math
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from waitroom.errors import UpstreamError
from waitroom.labels.labels import Container

log = logging.getLogger(__name__)

# Many may come at once; and one that is made anew by hand, first removed, then created,
# must not be forgotten for the moment between.
_COME_S, _GONE_S = 0.05, 0.3
# An event that got lost is made good for by this, the only thing that is asked again and again.
RESYNC_S = 60.0
_AGAIN_S = 1.0
# How soon the end is noticed.
_LOOK_S = 1.0
# Compose creates a replacement as `OLDID_NAME`, and gives it the name when the old one is gone.
_REPLACEMENT = re.compile(r"[0-9a-f]{12}_.+")


@dataclass(frozen=True, slots=True)
class Change:
    """Something has happened to a container."""

    key: str  # its id
    name: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A container as the list of all has it."""

    container: Container
    state: str  # the engine's own word


class Changes(Protocol):
    """A stream of them; iterating raises UpstreamError."""

    def __iter__(self) -> Iterator[Change]:
        """Wait for each; it ends when the engine ends, or the stream is closed."""

    def close(self) -> None:
        """End it, whoever waits."""


class Engine(Protocol):
    """What tells of containers, see upstreams.docker_labels. All raise UpstreamError."""

    def changes(self, since_s: int) -> Changes:
        """Open the stream of what happens, from a moment (Unix time) on."""

    def all(self) -> Mapping[str, Listed]:
        """List the containers that announce themselves, by id."""

    def one(self, key: str) -> Container | None:
        """Look at one by its id; None if it is gone, or announces nothing."""


class Discoverer:
    """Follows the engine until it is told to end."""

    def __init__(
        self,
        engine: Engine,
        *,
        publish: Callable[[Iterable[Container]], None],
        happened: Callable[[str], None],
        listed: Callable[[Mapping[str, str]], None],
    ) -> None:
        """`publish` takes what there is now, `happened` a container's name.

        `listed` takes the state of each container by its name, whenever all were asked for.
        """
        self._engine = engine
        self._publish = publish
        self._happened = happened
        self._listed = listed
        self._containers: dict[str, Container] = {}  # by id
        self._come: list[str] = []  # what was not told of yet
        self._said = ""

    def run(self, ended: threading.Event) -> None:
        """Follow the engine, again and again, until `ended`; blocks, so give it a thread."""
        since_s = int(time.time()) - 1
        while not ended.is_set():
            try:
                self._follow(since_s, ended)
            except UpstreamError as error:
                self._say(f"containers that announce themselves can't be looked for: {error}")
            except OSError as error:
                self._say(f"what containers announce can't be written down: {error}")
            except Exception:
                log.exception("discovery broke; this is a fault of ours")
            since_s = int(time.time()) - 1
            ended.wait(_AGAIN_S)

    def _follow(self, since_s: int, ended: threading.Event) -> None:
        """Follow one stream of events to its end."""
        changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        stream = self._engine.changes(since_s)
        threading.Thread(target=_pump, args=(stream, changes), name="events", daemon=True).start()
        try:
            self._resync()
            self._said = ""
            self._take_all(changes, ended)
        finally:
            stream.close()

    def _take_all(self, changes: queue.SimpleQueue[Change | None], ended: threading.Event) -> None:
        resync = time.monotonic() + RESYNC_S
        settled: float | None = None  # when to tell of what has changed
        while not ended.is_set():
            now = time.monotonic()
            if now >= resync:
                self._resync()
                resync, settled = now + RESYNC_S, None
            elif settled and now >= settled:
                self._tell()
                settled = None
            due = min(settled or resync, resync, now + _LOOK_S)
            try:
                change = changes.get(timeout=max(0.0, due - now))
            except queue.Empty:
                continue
            if change is None:
                return
            if self._take(change):
                wait_s = _GONE_S if change.gone else _COME_S
                settled = min(settled or math.inf, time.monotonic() + wait_s)

    def _take(self, change: Change) -> bool:
        """Take in one change; True if it changes what is announced."""
        known = self._containers.get(change.key)
        if change.gone:
            return self._forget(change.key)
        if known is None or known.name != change.name:
            found = self._engine.one(change.key)
            if found is not None:
                self._containers[change.key] = found
        if self._containers.get(change.key) != known:
            self._come.append(change.name)
            return True
        self._happened(change.name)
        return False

    def _resync(self) -> None:
        found = self._engine.all()
        self._containers = {key: one.container for key, one in found.items()}
        self._tell()
        self._listed({one.container.name: one.state for one in found.values()})

    def _tell(self) -> None:
        self._publish(c for c in self._containers.values() if not _REPLACEMENT.fullmatch(c.name))
        come, self._come = self._come, []
        for name in come:
            self._happened(name)

    def _forget(self, key: str) -> bool:
        """Forget one that is gone, if it was known; its replacement takes its name at once."""
        gone = self._containers.pop(key, None)
        if gone:
            for other, one in self._containers.items():
                if one.name == f"{key[:12]}_{gone.name}":
                    self._containers[other] = replace(one, name=gone.name)
        return gone is not None

    def _say(self, text: str) -> None:
        """Log a fault once, however often it is met again."""
        if text != self._said:
            self._said = text
            log.error("%s", text)


def _pump(stream: Changes, changes: queue.SimpleQueue[Change | None]) -> None:
    try:
        for change in stream:
            changes.put(change)
    except Exception as error:  # noqa: BLE001 - whatever ends the stream, it is opened again
        log.warning("the stream of Docker's events broke off: %s", error)
    finally:
        changes.put(None)
