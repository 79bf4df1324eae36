"""The handshake that puts one host to sleep without cutting anybody off.

drain -> canary -> proof of reading -> idle still? -> quiet line -> commit -> stop.

Each step must prove something, and a step that can't calls the sleep off: unknown means in use.
Up to the commit nothing has happened to the upstream, and taking the draining file away (ours or
a visitor's doing) undoes all of it.
"""

from __future__ import annotations

import enum
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar import connections
from sidecar.idle import Use, idle_for, should_sleep
from traefik.folder import RouteFolder, Shadow
from waitroom import canary
from waitroom.canary import Leads
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.hosts import Host
from waitroom.locks import HostLocks
from waitroom.upstreams.base import Phase, Status, Upstream

log = logging.getLogger(__name__)

_SHADOW_PATIENCE_S = 5.0  # Traefik's default throttle is 2 s
_READING_PATIENCE_S = 5.0
_PAUSE_S = 0.05
# A provider that has taken a stop shows it within this time, or the stop counts as failed.
_STOP_SHOWS_S = 30.0
_STOP_ENDS_S = 600.0
_STOP_PAUSE_S = 0.2
_NONCE_CHARACTERS = 16
_REMEMBERED = 1000


class Why(enum.StrEnum):
    """Why a host is not put to sleep; a closed set, written into the events."""

    USED = "used"  # there was activity after all
    VISITOR = "visitor"  # somebody came while it drained
    CONNECTIONS = "connections"  # Traefik has connections to it open
    WAKING = "waking"  # the waiting room is starting it
    NOT_OBSERVED = "not_observed"  # Traefik's connections can't be seen from here
    NOT_SHADOWED = "not_shadowed"  # the shadow is not in force, or no waiting room answers
    NOT_READ = "not_read"  # the canary's line did not come out of the access log
    NOT_KNOWN = "not_known"  # the provider does not say what the upstream does
    ROUTES = "routes"  # the routes folder can't be written
    ENDING = "ending"  # the sidecar itself was told to end


class CalledOff(Exception):  # noqa: N818 - a decision, not an error
    """The host is not put to sleep now, and runs as before."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why


class Proofs:
    """Canaries that came out of the tail. Threads: the loop adds, handshakes wait."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._changed = threading.Condition()

    def add(self, nonce: str) -> None:
        """Note that this canary's own line has been read."""
        # Anybody can claim to be a canary, so what is remembered of them has a bound.
        if len(nonce) > _NONCE_CHARACTERS:
            return
        with self._changed:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen.add(nonce)
            self._changed.notify_all()

    def wait(self, nonce: str, timeout_s: float) -> bool:
        """Wait for a canary's line; False if it did not come."""
        with self._changed:
            found = self._changed.wait_for(lambda: nonce in self._seen, timeout_s)
            self._seen.discard(nonce)
            return found


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sleep rests on; stands in the event."""

    idle: timedelta
    last_used: datetime | None
    canary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Puts hosts to sleep, each call in a thread of its own."""

    connect: Callable[[Host], Upstream]
    folder: RouteFolder
    locks: HostLocks
    proofs: Proofs
    use: Callable[[Host, Status], Use]  # what is recorded of a host's use, as of now
    record: Callable[..., None]  # (kind, host, **fields): an event
    traefik_url: str
    waitroom_url: str
    ended: threading.Event

    def put_to_sleep(self, host: Host, status: Status) -> None:
        """Put an idle, running host to sleep.

        Raises: CalledOff, with the host awake as before; UpstreamError when the stop failed,
        with the host shadowed and its upstream still running: that is to be tried again.
        """
        self._demand_quiet_line(host, status)
        shadowed = self.folder.shadow(host.name) is Shadow.ASLEEP  # an earlier stop has failed
        try:
            if not shadowed:
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
        nonce = self._send_canary(host)
        self._demand_observed()
        if not self.proofs.wait(nonce, _READING_PATIENCE_S):
            raise CalledOff(
                Why.NOT_READ,
                "the canary's line did not come out of the access log; is it being written"
                " (WAITROOM_ACCESS_LOG), and does it keep request_User-Agent or RequestPath?",
            )
        use, now = self.use(host, status), datetime.now(UTC)
        if not should_sleep(use, host.idle_after, now):
            raise CalledOff(Why.USED, "it was used after all")
        self._demand_quiet_line(host, status)
        return Evidence(idle_for(use, now), use.last_used, nonce)

    def _demand_shadow(self, proof: str) -> None:
        """Demand that the draining file is in force.

        Asked by a name of its own: a canary sent too early would reach the app, and leave a
        connection to it that looks like a visitor's.
        """
        deadline = time.monotonic() + _SHADOW_PATIENCE_S
        while not canary.answers_418(self.traefik_url, proof):
            if self.ended.is_set():
                raise CalledOff(Why.ENDING, "the sidecar ends")
            if time.monotonic() > deadline:
                raise CalledOff(
                    Why.NOT_SHADOWED,
                    "Traefik has not read its draining file; providers.file.directory must be"
                    " WAITROOM_ROUTES, with watch: true",
                )
            time.sleep(_PAUSE_S)

    def _send_canary(self, host: Host) -> str:
        """Demand that the waiting room answers for the host; return the nonce that it answered."""
        echo = canary.send(self.traefik_url, host.name)
        if echo.leads is Leads.HERE:
            return echo.nonce
        if self.folder.shadow(host.name) is None:
            raise CalledOff(Why.VISITOR, "a visitor came while it drained")
        raise CalledOff(
            Why.NOT_SHADOWED,
            f"its requests lead {echo.leads}; the waiting room must run and be reached from"
            " Traefik (WAITROOM_URL) before anything can sleep",
        )

    def _demand_observed(self) -> None:
        """Demand to see a connection that must be there: the one the canary has just used.

        Without it we are not in Traefik's network namespace, and no connections at all would be
        seen of an upstream in use either.
        """
        if not _established(self.waitroom_url):
            raise CalledOff(
                Why.NOT_OBSERVED,
                "Traefik's connections can't be seen from here; run the sidecar in Traefik's"
                " network namespace",
            )

    def _demand_quiet_line(self, host: Host, status: Status) -> None:
        url = host.url or status.url
        if url is None:
            raise CalledOff(
                Why.NOT_OBSERVED, "its address is not known, nor who is connected to it"
            )
        count = _established(url)
        if count:
            raise CalledOff(Why.CONNECTIONS, f"{count} connections to it are open")

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
            upstream.stop()
            _follow(upstream, host, until=_has_begun, patience_s=_STOP_SHOWS_S)
        if self._ends(host, upstream):
            self.record(
                "slept",
                host.name,
                idle_s=idle_s,
                evidence={
                    "last_used": evidence.last_used,
                    "canary": evidence.canary,
                    "connections": 0,
                },
            )
            log.info("%s: asleep after %.0f s unused", host.name, idle_s)

    def _ends(self, host: Host, upstream: Upstream) -> bool:
        """Follow a stop to its end; False if a visitor woke the host meanwhile."""

        def over(status: Status) -> bool:
            return status.phase is Phase.STOPPED or self.folder.shadow(host.name) is None

        status = _follow(upstream, host, until=over, patience_s=_STOP_ENDS_S)
        return status.phase is Phase.STOPPED


def _has_begun(status: Status) -> bool:
    return status.phase in (Phase.STOPPED, Phase.STOPPING)


def _follow(
    upstream: Upstream, host: Host, *, until: Callable[[Status], bool], patience_s: float
) -> Status:
    """Ask the provider until it says so. Raises: UpstreamError when it does not in time."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            status = upstream.status()
            if until(status):
                return status
        except UpstreamError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("%s: %s; asking again whether it has stopped", host.name, error)
        else:
            if time.monotonic() > deadline:
                text = f"still {status.detail or status.phase} {patience_s:g} s after its stop"
                raise UpstreamError(Reason.TIMEOUT, text)
        time.sleep(_STOP_PAUSE_S)


def _established(url: str) -> int:
    try:
        return connections.established(url)
    except WaitroomError as error:
        raise CalledOff(Why.NOT_OBSERVED, str(error)) from error
