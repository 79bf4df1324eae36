"""Sight: whether Traefik's connections to an upstream show at the address where we look for them.

Our own route leads to `url`. A route that exists elsewhere may lead to another address, and of a
WebSocket there nothing would be seen. So a host with such a route sleeps only after a connection
of Traefik to its `url` has been seen: one that a visit has made, else one that a canary makes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sidecar.sleeping import connections
from sidecar.sleeping.questions import Answer, Why, cannot_see
from sidecar.sleeping.sock_diag import Address
from waitroom.errors import WaitroomError
from waitroom.registry.hosts import Front, Host
from waitroom.registry.values import Route
from waitroom.waking import canary

# An app that closes each connection at once shows it for a millisecond: not at every look.
_CANARIES = 20
_LOOK_EVERY_S = 1.0
_CLOSES_S = 3.0  # `waitroom-app@file` keeps an idle connection for 2 s
_PAUSE_S = 0.1


class Sight:
    """The hosts whose connections were seen since they last slept. Threads: any may call."""

    def __init__(self, traefik_urls: Sequence[str]) -> None:
        self._traefik_urls = traefik_urls
        self._seen: set[Front] = set()  # those at whose url a connection of theirs was seen

    def forget(self, host: Host) -> None:
        """Ask anew: whoever wakes it may have given it another address."""
        for front in tuple(self._seen):
            if front.names[0] in host.names:
                self._seen.discard(front)

    def includes(self, waitroom_url: str) -> Answer:
        """Whether a connection is seen that must be there: the one a canary has just used.

        If not, we are not in Traefik's network namespace, and no connections at all would be seen
        of an upstream in use either.
        """
        try:
            seen = bool(connections.open_to(waitroom_url))
            text = "Traefik's connections can't be seen from here; run the sidecar in Traefik's"
            return Answer(seen, Why.NOT_OBSERVED, f"{text} network namespace")
        except WaitroomError as error:
            return cannot_see(str(error))

    def reaches(self, host: Host, front: Front) -> Answer:
        """Whether it is at its url that Traefik reaches an app of the host: its line must be quiet.

        Where that is not known, canaries are sent to the app until a connection shows, and that is
        waited for to close. Behind a middleware that asks who it is none gets there.
        """
        try:
            known = self._knows(host, front) or self._learn(front)
        except WaitroomError as error:
            return cannot_see(str(error))
        text = (
            f"Traefik was not seen to connect to {front.url} for it; `url` must be the address that"
            " its own route dials. (Where a middleware asks who it is, a visit shows it too.)"
        )
        return Answer(known, Why.NOT_OBSERVED, text)

    def _knows(self, host: Host, front: Front) -> bool:
        return host.route is Route.OURS or front in self._seen

    def _learn(self, front: Front) -> bool:
        url = front.url or ""
        if not self._shows(front.names[0], url):
            return False
        self._seen.add(front)
        _await_quiet(url)
        return True

    def _shows(self, name: str, url: str) -> bool:
        before = _local_ends(url)
        with ThreadPoolExecutor(1) as pool:
            for number in range(_CANARIES):
                entry_point = self._traefik_urls[number % len(self._traefik_urls)]
                sent = pool.submit(canary.send, entry_point, name)
                gone = False
                while not gone:
                    gone = sent.done()
                    if _local_ends(url) - before:
                        return True
        return False

    def watch(self, used_now: Callable[[], Iterable[Host]], ended: threading.Event) -> None:
        """Look at the connections of hosts that are being used; blocks, so give it a thread."""
        while not ended.wait(_LOOK_EVERY_S):
            for host in used_now():
                for front in host.fronts:
                    if front.url and not self._knows(host, front):
                        self._look(front, front.url)

    def _look(self, front: Front, url: str) -> None:
        try:
            if connections.open_to(url):
                self._seen.add(front)
        except WaitroomError:
            return  # the sleep itself will say so


def _await_quiet(url: str) -> None:
    deadline = time.monotonic() + _CLOSES_S
    while connections.open_to(url) and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)


def _local_ends(url: str) -> set[Address]:
    return {connection.local for connection in connections.to(url)}
