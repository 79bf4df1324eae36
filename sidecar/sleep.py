"""The handshake that puts one host to sleep without cutting anybody off.

drain -> canary -> proof of reading -> idle still? -> quiet line -> commit -> stop.

Each step must prove something, and a step that can't calls the sleep off: unknown means in use.
Up to the commit nothing has happened to the upstream, and taking the draining file away (ours or
a visitor's doing) undoes all of it.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar import occurrence, questions, stopping
from sidecar.occurrence import ReadTo
from sidecar.proofs import Proofs
from sidecar.questions import Answer, Why
from sidecar.sight import Sight
from traefik.folder import RouteFolder, Shadow
from waitroom import canary
from waitroom.canary import Leads
from waitroom.hosts import Host
from waitroom.idle import Use, idle_for, is_forced
from waitroom.locks import HostLocks
from waitroom.upstreams.base import Status, Upstream

log = logging.getLogger(__name__)

_SHADOW_PATIENCE_S = 5.0  # Traefik's default throttle is 2 s
_READING_PATIENCE_S = 5.0
_PAUSE_S = 0.05


class CalledOff(Exception):  # noqa: N818 - a decision, not an error
    """The host is not put to sleep now, and runs as before."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sleep rests on; stands in the event."""

    idle: timedelta
    last_used: datetime | None
    canary: str
    connections: int | None  # Traefik's to the upstream; None: not asked for
    log: ReadTo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Puts hosts to sleep, each call in a thread of its own."""

    connect: Callable[[Host], Upstream]
    folder: RouteFolder
    locks: HostLocks
    proofs: Proofs
    sight: Sight
    use: Callable[[Host, Status], Use]  # what is recorded of a host's use, as of now
    read_to: Callable[[], ReadTo | None]  # how far the access log is read
    record: Callable[..., None]  # (kind, host, **fields): an event
    traefik_urls: Sequence[str]
    waitroom_url: str
    ended: threading.Event

    def put_to_sleep(self, host: Host, status: Status) -> None:
        """Put an idle, running host to sleep.

        Raises: CalledOff, with the host awake as before; UpstreamError when the stop failed,
        with the host shadowed and its upstream still running: that is to be tried again.
        """
        self._demand_nobody(host, status)
        shadowed = self.folder.shadow(host.name) is Shadow.ASLEEP  # an earlier stop has failed
        try:
            if not shadowed:
                _demand(self.sight.reaches(host, questions.address(host, status)))
                # The line that a canary has left open must not pass for a visitor's.
                self._demand_nobody(host, status)
                log.info("%s: draining", host.name)
                proof = f"{secrets.token_hex(8)}.invalid"
                self.folder.drain(host.names, proof)
                self._demand_shadow(proof)
            evidence = self._prove(host, status)
            self._commit(host, evidence)
        except OSError as error:
            self._undo(host)
            raise CalledOff(Why.ROUTES, f"the routes can't be written: {error}") from error
        except CalledOff:
            self._undo(host)
            raise

    def _undo(self, host: Host) -> None:
        try:
            self.folder.call_off(host.name)
        except OSError as error:
            # The waiting room ends the draining with the next visitor.
            log.error("%s: the draining file can't be removed: %s", host.name, error)

    def _prove(self, host: Host, status: Status) -> Evidence:
        """Prove that the shadow holds, the log is read, nobody came and nobody is left."""
        nonces = [self._send_canary(host, url) for url in self.traefik_urls]
        _demand(self.sight.includes(self.waitroom_url))
        if not all(self.proofs.wait(nonce, _READING_PATIENCE_S) for nonce in nonces):
            raise CalledOff(
                Why.NOT_READ,
                "the canary's line did not come out of the access log; is it being written"
                " (WAITROOM_ACCESS_LOG), does it keep request_User-Agent or RequestPath, and can"
                " WAITROOM_DATA be written?",
            )
        use, now = self.use(host, status), datetime.now(UTC)
        _demand(questions.is_not_kept(use, now))
        _demand(questions.is_unused(host, use, now))
        _demand(questions.is_left(host, status, use, now))
        quiet = None if is_forced(use, now) else 0  # by force nobody counts them
        return Evidence(idle_for(use, now), use.last_used, nonces[0], quiet, self.read_to())

    def _demand_nobody(self, host: Host, status: Status) -> None:
        """Demand that nobody is connected, unless an operator forces the sleep."""
        use, now = self.use(host, status), datetime.now(UTC)
        _demand(questions.is_left(host, status, use, now))

    def _demand_shadow(self, proof: str) -> None:
        """Demand that the draining file is in force.

        Asked by a name of its own: a canary sent too early would reach the app, and leave a
        connection to it that looks like a visitor's.
        """
        deadline = time.monotonic() + _SHADOW_PATIENCE_S
        for url in self.traefik_urls:
            while fault := canary.unread(url, proof):
                if self.ended.is_set():
                    raise CalledOff(Why.ENDING, "the sidecar ends")
                if time.monotonic() > deadline:
                    raise CalledOff(Why.NOT_SHADOWED, fault)
                time.sleep(_PAUSE_S)

    def _send_canary(self, host: Host, url: str) -> str:
        """Demand that the waiting room answers for the host; return the nonce that it answered."""
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

    def _commit(self, host: Host, evidence: Evidence) -> None:
        """Decide the race with a visitor, and stop."""
        with self.locks.hold(host.name) as ours:
            if not ours:
                raise CalledOff(Why.WAKING, "the waiting room is starting it")
            # Of our rename and a visitor's unlink one succeeds.
            renamed = self.folder.fall_asleep(host.name)
            if not renamed and self.folder.shadow(host.name) is not Shadow.ASLEEP:
                raise CalledOff(Why.VISITOR, "a visitor came while it drained")
            self.folder.mark_asleep(host.names)  # without the proof, which has done its work
            idle_s = round(evidence.idle.total_seconds(), 1)
            self.record("sleep_started", host.name, idle_s=idle_s)
            upstream = self.connect(host)
            stopping.stop(upstream, host.name)
        if stopping.ends(upstream, host.name, lambda: self.folder.shadow(host.name) is None):
            self.sight.forget(host)
            shown = occurrence.Evidence(
                evidence.last_used, evidence.canary, evidence.connections, evidence.log
            )
            self.record("slept", host.name, idle_s=idle_s, evidence=shown)
            log.info("%s: asleep after %.0f s unused", host.name, idle_s)


def _demand(answer: Answer) -> None:
    if not answer.holds:
        raise CalledOff(answer.why, answer.text)
