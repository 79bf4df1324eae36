"""The room: what state a host is in, and what is done about it when somebody asks.

It joins what the route files, the provider and the waker say into one View, and mends what does
not agree: a host that is stopped gets its shadow, one that runs is handed back to its route.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from traefik.folder import RouteFolder, Shadow
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.hosts import Host, Registry, Route
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.statuses import Statuses
from waitroom.upstreams.base import Phase, Status, Upstream
from waitroom.view import State, View
from waitroom.wake import Waker

log = logging.getLogger(__name__)

# One look at every host a minute finds what was started or stopped by hand.
SWEEP_S = 60.0
# How old the provider's word may be; it costs little, and thousands may ask.
_FRESH_S = 1.0
_DOUBT_S = 0.1
# How long a visitor of a running upstream waits for the first word of its app.
_FIRST_PROBE_S = 0.3
# A provider that is only out of reach, as against all that a person must mend.
_PASSING = (Reason.UNREACHABLE, Reason.TIMEOUT)


class Room:
    """All hosts. Threads: any may call."""

    def __init__(
        self,
        *,
        connect: Callable[[Host], Upstream],
        statuses: Statuses,
        waker: Waker,
        folder: RouteFolder,
        journal: Journal,
        locks: HostLocks,
        url: str,
    ) -> None:
        self._connect = connect
        self._statuses = statuses
        self._waker = waker
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._url = url
        self._said: dict[str, str] = {}  # the last fault of a host's provider
        self._since: dict[str, tuple[State, datetime]] = {}

    def view(self, host: Host, name: str, *, in_doubt: bool = False) -> View:
        """Look at a host under the name that the visitor used.

        `in_doubt`: its app has just failed to answer, so what was known a moment ago is not.
        """
        wake = self._waker.under_way(host.name)
        if wake and wake.starts:
            state, reason = State.WAKING, None
        else:
            state, reason = self._state(host, in_doubt=in_doubt)
            wake = self._waker.under_way(host.name)
        since = wake.since if wake else self._began(host.name, state)
        return View(
            host=name,
            state=state,
            since=since,
            elapsed_s=max(0.0, (_now() - since).total_seconds()),
            expected_s=self._waker.expected_s(host.name),
            late_s=self._waker.late_s(host.name),
            stage=wake.stage if wake and state is State.WAKING else None,
            reason=reason,
        )

    def wake(self, host: Host, visitor: str) -> None:
        """Wake a host for a visitor whom the gate let in; one that runs is only handed back.

        Raises: JournalError.
        """
        # Behind a shadow it may be on its way down; only a wake waits that out.
        if self._folder.shadow(host.name) is None and self._runs(host):
            self._waker.attend(host)
        else:
            self._waker.wake(host, visitor=visitor)

    def call_off_sleep(self, host: Host) -> bool:
        """Keep a draining host awake for a visitor; False if it fell asleep a moment before."""
        if not self._folder.call_off(host.name):
            return False
        log.info("%s: a visitor came while it drained, it stays awake", host.name)
        self._waker.note_ready(host.name)
        return True

    def adopt(self, registry: Registry) -> None:
        """Publish the routes of all hosts as hosts.yaml says now. Logs what can't be written."""
        ours = [
            (host.names, host.url) for host in registry.hosts.values() if host.route is Route.OURS
        ]
        try:
            self._folder.publish(self._url, ours)
            self._folder.forget(registry.hosts)
        except OSError as error:
            log.error("the routes can't be written, Traefik keeps the old ones: %s", error)

    def sweep(self, registry: Callable[[], Registry], ended: threading.Event) -> None:
        """Mend all hosts now and every minute until `ended`; blocks, so give it a thread."""
        while True:
            for host in registry().hosts.values():
                if ended.is_set():
                    return
                try:
                    self._mend(host)
                except UpstreamError as error:
                    log.warning("%s: %s", host.name, error)
                except (WaitroomError, OSError) as error:
                    log.error("%s: %s", host.name, error)
            if ended.wait(SWEEP_S):
                return

    def _mend(self, host: Host) -> None:
        if self._waker.under_way(host.name):
            return
        status = self._statuses.get(host, fresh_s=_FRESH_S)
        shadow = self._folder.shadow(host.name)
        if status.phase is Phase.STOPPED and shadow is None:
            self._shadow_stopped(host)
        astray = shadow is Shadow.ASLEEP or (shadow is None and self._is_elsewhere(host, status))
        if status.phase is Phase.RUNNING and astray and not self._locks.busy(host.name):
            self._waker.attend(host)

    def _is_elsewhere(self, host: Host, status: Status) -> bool:
        """Whether its address has changed since its route was written, by a restart by hand."""
        if host.route is not Route.OURS or status.url is None:
            return False
        return not self._folder.leads(host.names, status.url)

    def _state(self, host: Host, *, in_doubt: bool) -> tuple[State, Reason | None]:
        """Return the state of a host that nobody is waking."""
        shadow = self._folder.shadow(host.name)
        if shadow is Shadow.DRAINING:
            return State.DRAINING, None
        failure = self._waker.failure(host.name)
        if failure:
            return State.FAILED, failure.reason
        try:
            phase = self._statuses.get(host, fresh_s=_DOUBT_S if in_doubt else _FRESH_S).phase
        except UpstreamError as error:
            if self._said.get(host.name) != str(error):  # thousands may ask, once is enough
                self._said[host.name] = str(error)
                log.warning("%s: %s", host.name, error)
            state = State.UNKNOWN if error.reason in _PASSING else State.FAILED
            return state, error.reason
        # A lock that our own attendance holds means nothing here.
        stopping = self._waker.under_way(host.name) is None and self._locks.busy(host.name)
        if phase in (Phase.STOPPED, Phase.STOPPING) or stopping:
            if phase is Phase.STOPPED and shadow is None:
                self._try_to_shadow(host)
            return State.ASLEEP, None
        if self._waker.just_ready(host.name) and shadow is None and not in_doubt:
            return State.READY, None
        return self._attended(host), None

    def _attended(self, host: Host) -> State:
        first = self._waker.under_way(host.name) is None
        attendance = self._waker.attend(host)
        if first:  # whoever comes later is not held: thousands may poll
            attendance.ended.wait(_FIRST_PROBE_S)
        if self._waker.just_ready(host.name):
            return State.READY
        # Ended without the app: it was stopped a moment ago, and the provider's word was old.
        return State.ASLEEP if attendance.ended.is_set() else State.WAKING

    def _runs(self, host: Host) -> bool:
        try:
            running = self._statuses.get(host, fresh_s=_FRESH_S).phase in (
                Phase.RUNNING,
                Phase.STARTING,
            )
        except UpstreamError:
            return False
        # While the sidecar stops it, it still runs; that one must be started again.
        return running and not self._locks.busy(host.name)

    def _try_to_shadow(self, host: Host) -> None:
        try:
            self._shadow_stopped(host)
        except (WaitroomError, OSError) as error:
            log.error("%s: is stopped, and can't be shadowed: %s", host.name, error)

    def _shadow_stopped(self, host: Host) -> None:
        """Lead a host that was found stopped to the waiting room, if that is still so."""
        with self._locks.hold(host.name) as ours:
            if not ours or self._connect(host).status().phase is not Phase.STOPPED:
                return
            if self._folder.shadow(host.name) is None:
                self._folder.mark_asleep(host.names)
                log.info("%s: found stopped", host.name)
                self._journal.append("found_stopped", host.name)

    def _began(self, name: str, state: State) -> datetime:
        """Return since when a host has been seen in this state."""
        seen, since = self._since.get(name, (None, _now()))
        if seen is not state:
            since = _now()
            self._since[name] = (state, since)
        return since


def _now() -> datetime:
    return datetime.now(UTC)
