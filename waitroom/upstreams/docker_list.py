"""Which containers with our label do not run, in one question for all of them, once a minute.

To be wrong about one that sleeps is harmless: it was started by another, and is noticed a minute
later. So this says only who is stopped, and nobody is put to sleep by it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

import docker

from waitroom.errors import UpstreamError
from waitroom.labels.labels import LIST_FILTER
from waitroom.upstreams.base import Phase
from waitroom.upstreams.docker import PHASES, asking

log = logging.getLogger(__name__)

_HOLDS_S = 60.0


class StoppedContainers:
    """Those that were stopped when they were last listed. Threads: any may call."""

    def __init__(
        self,
        connect: Callable[[], docker.DockerClient],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._listed_at = float("-inf")  # by the clock
        self._names: set[str] = set()

    def includes(self, name: str) -> bool:
        """Whether it was stopped a minute ago at most; False if that can't be told."""
        with self._lock:
            if self._clock() - self._listed_at >= _HOLDS_S:
                self._listed_at = self._clock()
                self._names = self._list()
            return name in self._names

    def discard(self, names: Iterable[str]) -> None:
        """Note that these were seen to run since."""
        with self._lock:
            self._names.difference_update(names)

    def _list(self) -> set[str]:
        try:
            with asking("containers with labels"):
                found = self._connect().api.containers(all=True, filters=LIST_FILTER)
        except UpstreamError as error:
            log.warning("containers can't be listed, so each is asked about by itself: %s", error)
            return set()
        return {
            name.removeprefix("/")
            for one in found
            for name in one["Names"] or ()
            if PHASES.get(one["State"]) is Phase.STOPPED
        }
