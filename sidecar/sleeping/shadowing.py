"""Proving that requests lead to the waiting room, each time by a canary at every entry point."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.sleeping.questions import CalledOff, Why
from traefik.folder import RouteFolder
from waitroom.registry.hosts import Host
from waitroom.waking import canary
from waitroom.waking.canary import Leads

_PATIENCE_S = 5.0  # Traefik's default throttle is 2 s
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Shadowing:
    """What Traefik answers to canaries. All methods raise CalledOff where they prove nothing."""

    folder: RouteFolder
    traefik_urls: Sequence[str]
    ended: threading.Event

    def demand_waiting_room(self) -> None:
        """Demand that Traefik reaches the waiting room, before any visitor is led to it."""
        for url in self.traefik_urls:
            if canary.reaches_nobody(url):
                raise CalledOff(
                    Why.NOT_SHADOWED,
                    f"Traefik does not answer at {url} (WAITROOM_TRAEFIK_URL), or reaches nobody:"
                    " the waiting room must run and be reached from Traefik (WAITROOM_URL)"
                    " before anything can sleep",
                )

    def demand_draining(self, proof: str) -> None:
        """Demand that the draining file is in force.

        Asked by a name of its own: a canary sent too early would reach the app, and leave a
        connection to it that looks like a visitor's.
        """
        deadline = time.monotonic() + _PATIENCE_S
        for url in self.traefik_urls:
            while fault := canary.unread(url, proof):
                if self.ended.is_set():
                    raise CalledOff(Why.ENDING, "the sidecar ends")
                if time.monotonic() > deadline:
                    raise CalledOff(Why.NOT_SHADOWED, fault)
                time.sleep(_PAUSE_S)

    def send_canaries(self, host: Host) -> list[str]:
        """Demand that the waiting room answers for the host; return the nonces it answered."""
        return [self._send(host, url) for url in self.traefik_urls]

    def _send(self, host: Host, url: str) -> str:
        echo = canary.send(url, host.name)
        if echo.leads is Leads.HERE:
            return echo.nonce
        if self.folder.shadow(host.name) is None:
            raise CalledOff(Why.VISITOR, "a visitor came while it drained")
        raise CalledOff(
            Why.NOT_SHADOWED,
            f"its requests lead {echo.leads}; the waiting room must run and be reached from"
            " Traefik (WAITROOM_URL) before anything can sleep",
        )
