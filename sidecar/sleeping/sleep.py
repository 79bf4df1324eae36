"""The handshake that puts one host to sleep without cutting anybody off.

drain -> canary -> proof of reading -> idle still? -> quiet line -> commit -> stop.

Each step must prove something, and a step that can't calls the sleep off: unknown means in use.
Up to the commit nothing has happened to the upstream, and taking the draining file away (ours or
a visitor's doing) undoes all of it.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sidecar.sleeping import questions, stopping
from sidecar.sleeping.proofs import Proofs
from sidecar.sleeping.questions import Answer, CalledOff, Why
from sidecar.sleeping.shadowing import Shadowing
from sidecar.sleeping.sight import Sight
from sidecar.sleeping.stopping import Stop
from traefik.folder import RouteFolder, Shadow
from waitroom.idle import Use, idle_for, is_forced
from waitroom.kinds import Kind
from waitroom.locks import HostLocks
from waitroom.record.occurrence import Evidence, ReadTo
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Status, Upstream
from waitroom.upstreams.fronts import restarting, serving
from waitroom.waking.stops import Stops

log = logging.getLogger(__name__)

# A line is proof when it is on the disk: two commits of two writes, where each may take seconds.
# Long patience holds up no visitor: one who comes ends the draining.
_READING_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Puts hosts to sleep, each call in a thread of its own."""

    connect: Callable[[Host], Upstream]
    folder: RouteFolder
    locks: HostLocks
    stops: Stops
    proofs: Proofs
    shadowing: Shadowing
    sight: Sight
    use: Callable[[Host, Status], Use]  # what is recorded of a host's use, as of now
    read_to: Callable[[], ReadTo | None]  # how far the access log is read
    record: Callable[..., None]  # (kind, host, **fields): an event
    waitroom_url: str

    def put_to_sleep(self, host: Host, status: Status) -> None:
        """Put an idle, running host to sleep.

        Raises: CalledOff, with the host awake as before; UpstreamError when the stop failed,
        with the host shadowed and its upstream still running: that is to be tried again.
        """
        self._demand_nobody(host, status)
        upstream = self.connect(host)
        shadowed = self.folder.shadow(host.name) is Shadow.ASLEEP  # an earlier stop has failed
        try:
            if not shadowed:
                ended = restarting(host, status)  # who shows none, and of whom none is left
                for front in serving(host, status):
                    if front not in ended:
                        _demand(self.sight.reaches(host, front))
                # The line that a canary has left open must not pass for a visitor's.
                self._demand_nobody(host, status)
                self.shadowing.demand_waiting_room()
                log.info("%s: draining", host.name)
                proof = f"{secrets.token_hex(8)}.invalid"
                self.folder.drain(host.names, proof, host.traefik.entry_points)
                self.shadowing.demand_draining(proof)
            self._commit(host, upstream, *self._prove(host, status))
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

    def _prove(self, host: Host, status: Status) -> tuple[float, Evidence]:
        """Prove that the shadow holds, the log is read, nobody came and nobody is left.

        Return for how many seconds the host is idle, and what that rests on.
        """
        nonces = self.shadowing.send_canaries(host)
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
        idle_s = round(idle_for(use, now).total_seconds(), 1)
        return idle_s, Evidence(use.last_used, nonces[0], quiet, self.read_to())

    def _demand_nobody(self, host: Host, status: Status) -> None:
        """Demand that nobody is connected, unless an operator forces the sleep."""
        use, now = self.use(host, status), datetime.now(UTC)
        _demand(questions.is_left(host, status, use, now))

    def _commit(self, host: Host, upstream: Upstream, idle_s: float, evidence: Evidence) -> None:
        """Decide the race with a visitor, and stop."""
        with self._held(host):
            self._fall_asleep(host)
            self.record(Kind.SLEEP_STARTED, host.name, idle_s=idle_s)
            stop = stopping.stop(upstream, host.name)
        if self._ends(host, stop):
            self.record(Kind.SLEPT, host.name, idle_s=idle_s, evidence=evidence)
            log.info("%s: asleep after %.0f s unused", host.name, idle_s)

    def finish(self, host: Host) -> bool:
        """Order a stop again that was cut short; whether it has ended.

        Nobody is led to the upstream since what proved it unused, so nothing is proved anew.

        Raises: CalledOff when its wake goes on already; UpstreamError.
        """
        upstream = self.connect(host)
        with self._held(host):
            if not self.stops.unseen(host.name):  # seen stopped since, or woken
                return False
            log.info("%s: its stop was cut short, and is ordered again", host.name)
            self.stops.note_begin(host.name)
            stop = stopping.stop(upstream, host.name)
        return self._ends(host, stop)

    @contextlib.contextmanager
    def _held(self, host: Host) -> Iterator[None]:
        """Hold a host's lock, so that nobody starts it. Raises: CalledOff."""
        with self.locks.hold(host.name) as ours:
            if not ours:
                raise CalledOff(Why.WAKING, "the waiting room is starting it")
            yield

    def _ends(self, host: Host, stop: Stop) -> bool:
        """Wait for the end of a stop, unless it is over, and note it; False if it was woken."""
        if not stop.is_over and not stop.ends(lambda: self.folder.shadow(host.name) is None):
            return False
        self.stops.note_end(host.name)
        self.sight.forget(host)
        return True

    def _fall_asleep(self, host: Host) -> None:
        """Let its requests lead to the waiting room for good; only then it may be stopped."""
        # Of our rename and a visitor's unlink one succeeds.
        renamed = self.folder.fall_asleep(host.name)
        if not renamed and self.folder.shadow(host.name) is not Shadow.ASLEEP:
            raise CalledOff(Why.VISITOR, "a visitor came while it drained")
        try:
            # Without the proof, which has done its work.
            self.folder.mark_asleep(host.names, host.traefik.entry_points)
            self.stops.note_begin(host.name)
        except OSError:
            if renamed:  # and nothing was stopped
                self.folder.hand_over(host.name)
            raise


def _demand(answer: Answer) -> None:
    if not answer.holds:
        raise CalledOff(answer.why, answer.text)
