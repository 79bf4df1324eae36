"""The room: what state a host is in, and what is done about it when somebody asks.

It joins what the route files, the provider and the waker say into one View. What does not agree
is mended by `upkeep`; only a host found stopped is led here at once.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import NamedTuple

from traefik.folder import RouteFolder, Shadow
from waitroom.errors import Reason, UpstreamError
from waitroom.found_stopped import FoundStopped
from waitroom.registry.hosts import Host
from waitroom.registry.values import Route
from waitroom.upstreams.base import Phase, Status
from waitroom.upstreams.fronts import is_down
from waitroom.view import Refused, Stage, State, View
from waitroom.waking.budgets import Claim, Left
from waitroom.waking.outcomes import Outcomes
from waitroom.waking.statuses import Statuses
from waitroom.waking.stops import Stops
from waitroom.waking.wake import Waker

log = logging.getLogger(__name__)

_SHADOWED = {
    None: State.READY,
    Shadow.DRAINING: State.DRAINING,
    Shadow.ASLEEP: State.ASLEEP,
}
# How old the provider's word may be; it costs little, and thousands may ask.
_FRESH_S = 1.0
_DOUBT_S = 0.1
# How long a visitor of a running upstream waits for the first word of its app; and one whom the
# app itself may have told of an error, which nobody else would tell him: a VM's provider is slow.
_FIRST_PROBE_S = 0.3
_DOUBT_PROBE_S = 1.0
# What a wake starts, or goes on with.
_ASLEEP = (Phase.STOPPED, Phase.STOPPING, Phase.PARTLY)
# A provider that is only out of reach, as against all that a person must mend.
_PASSING = (Reason.UNREACHABLE, Reason.TIMEOUT)


class _Seen(NamedTuple):
    """How a host was found."""

    state: State
    reason: Reason | None = None  # of FAILED and UNKNOWN
    stage: Stage | None = None  # of WAKING, where no wake of ours has one


class Room:
    """All hosts. Threads: any may call."""

    def __init__(
        self,
        *,
        statuses: Statuses,
        waker: Waker,
        folder: RouteFolder,
        stops: Stops,
        outcomes: Outcomes,
        found_stopped: FoundStopped,
    ) -> None:
        self._statuses = statuses
        self._waker = waker
        self._outcomes = outcomes
        self._folder = folder
        self._stops = stops
        self._found_stopped = found_stopped
        self._said: dict[str, str] = {}  # the last fault of a host's provider
        self._since: dict[str, tuple[State, datetime]] = {}

    def view(self, host: Host, name: str, *, in_doubt: bool = False) -> View:
        """Look at a host under the name that the visitor used.

        `in_doubt`: its app has just failed to answer, so what was known a moment ago is not.
        """
        wake = self._waker.under_way(host.name)
        if wake and wake.starts:
            seen = _Seen(State.WAKING)
        else:
            seen = self._see(host, in_doubt=in_doubt)
            wake = self._waker.under_way(host.name)
        since = wake.since if wake else self._began(host.name, seen.state)
        failure, history = self._outcomes.failure(host.name), self._outcomes.history
        unwell = seen.stage is Stage.UNHEALTHY  # and how long that lasts nobody knows
        woken = wake if seen.state is State.WAKING and not unwell else None
        return View(
            host=name,
            state=seen.state,
            since=since,
            elapsed_s=max(0.0, (datetime.now(UTC) - since).total_seconds()),
            expected_s=None if unwell else history.expected_s(host.name),
            late_s=None if unwell else history.late_s(host.name),
            stage=woken.stage if woken else seen.stage,
            members=woken.members if woken else (),
            reason=seen.reason,
            again_s=failure.again_s if failure and seen.state is State.FAILED else None,
        )

    def glance(self, name: str) -> State:
        """Return a host's state as far as it is known without asking anybody; changes nothing."""
        wake = self._waker.under_way(name)
        if wake and wake.starts:
            return State.WAKING
        return _SHADOWED[self._folder.shadow(name)]

    def wake(self, host: Host, claim: Claim) -> bool:
        """Wake a host for a visitor whom the gate let in; one that runs is only handed back.

        False if a wake has failed only a moment ago; the view says when the next may begin.

        Raises: NotGranted, JournalError.
        """
        self.call_off_sleep(host)
        # Behind a shadow it may be on its way down; only a wake waits that out.
        if self._folder.shadow(host.name) is None and self._runs(host):
            self._waker.attend(host)
            return True
        begun = self._waker.wake(host, claim)
        self._since.pop(host.name, None)  # also where nobody sees it until it has ended
        return begun

    def refusal(self, host: Host, claim: Claim) -> Refused | None:
        """Return why such a claim would be refused now, if it would. Raises: JournalError."""
        return self._waker.refusal(host, claim)

    def left(self, host: Host) -> Left:
        """Return what a host has left of its budget. Raises: JournalError."""
        return self._waker.left(host)

    def call_off_sleep(self, host: Host) -> None:
        """Keep a draining host awake, unless it fell asleep a moment before."""
        if self._folder.call_off(host.name):
            log.info("%s: somebody came while it drained, it stays awake", host.name)
            self._outcomes.note_ready(host.name)

    def _see(self, host: Host, *, in_doubt: bool) -> _Seen:
        """Look at a host that nobody is waking; one that runs is attended."""
        shadow = self._folder.shadow(host.name)
        if shadow is Shadow.DRAINING:
            return _Seen(State.DRAINING)
        failure = self._outcomes.failure(host.name)
        if failure:
            return _Seen(State.FAILED, failure.reason)
        try:
            status = self._statuses.get(host, fresh_s=_DOUBT_S if in_doubt else _FRESH_S)
        except UpstreamError as error:
            if self._said.get(host.name) != str(error):  # thousands may ask, once is enough
                self._said[host.name] = str(error)
                log.warning("%s: %s", host.name, error)
            state = State.UNKNOWN if error.reason in _PASSING else State.FAILED
            return _Seen(state, error.reason)
        self._stops.note_seen(host, status)
        if is_down(host, status) and shadow is None:
            self._found_stopped.shadow_soon(host)
        if status.phase in _ASLEEP or self._is_stopping(host):
            return _Seen(State.ASLEEP)
        if shadow or in_doubt:
            wait_s = _DOUBT_PROBE_S if in_doubt else _FIRST_PROBE_S
            return _Seen(self._attended(host, wait_s))
        return self._running(host, status)

    def _running(self, host: Host, status: Status) -> _Seen:
        """Look at a host whose own route should be in force."""
        if self._outcomes.just_ready(host.name):
            return _Seen(State.READY)
        # Whom Traefik leads here still, though its own route is long back.
        if status.trouble and host.route is Route.OWN:
            return _Seen(State.WAKING, stage=Stage.UNHEALTHY)
        return _Seen(self._attended(host, _FIRST_PROBE_S))

    def _attended(self, host: Host, wait_s: float) -> State:
        first = self._waker.under_way(host.name) is None
        attendance = self._waker.attend(host)
        if first:  # whoever comes later is not held: thousands may poll
            attendance.ended.wait(wait_s)
        if attendance.answered:
            return State.READY
        # Ended without the app: it was stopped a moment ago, and the provider's word was old.
        return State.ASLEEP if attendance.ended.is_set() else State.WAKING

    def _runs(self, host: Host) -> bool:
        try:
            running = self._statuses.get(host, fresh_s=_FRESH_S).phase in (
                Phase.RUNNING,
                Phase.RESTARTING,
                Phase.STARTING,
            )
        except UpstreamError as error:
            # As far as anybody knows it does; whoever sees it stopped may ask again.
            return error.reason in _PASSING
        # While the sidecar stops it, it still runs; that one must be started again.
        return running and not self._is_stopping(host)

    def _is_stopping(self, host: Host) -> bool:
        # A lock that our own attendance holds means nothing here.
        return self._waker.under_way(host.name) is None and self._stops.under_way(host.name)

    def _began(self, name: str, state: State) -> datetime:
        """Return since when a host has been seen in this state."""
        seen, since = self._since.get(name, (None, datetime.now(UTC)))
        if seen is not state:
            since = datetime.now(UTC)
            self._since[name] = (state, since)
        return since
