"""Waking: from a visitor's wish to an app that answers, once for all who wait.

A wake is journalled, then starts the upstream, then probes the app until it answers, and then
hands the host back to its own route. One runs for a host at a time; whoever else asks joins it.
Attending is the same without the start: the upstream runs already (started by hand, or its app is
slow to come up), and the route is handed back when the app answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from traefik.folder import RouteFolder
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.history import History
from waitroom.hosts import Host, Route
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.patience import Patience, too_late
from waitroom.stages import stage
from waitroom.upstreams.base import Phase, Upstream
from waitroom.view import Stage

log = logging.getLogger(__name__)

# An app that exits right after each start is broken; more starts only cost money.
_STARTS = 3
# How long the end of a wake is told to those who still wait for it.
_READY_SHOWN_S = 2.0
_FAILURE_SHOWN_S = 60.0


@dataclass(slots=True)
class Wake:
    """One wake or attendance under way; only its own thread changes it."""

    host: Host
    starts: bool  # False: attending
    since: datetime
    stage: Stage = Stage.STARTING
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last wake of a host ended, if not with the app."""

    reason: Reason
    since: datetime
    until: float  # monotonic: told until then


class Waker:
    """All wakes of this process. Threads: any may call, each wake runs in one of its own."""

    def __init__(
        self,
        *,
        connect: Callable[[Host], Upstream],
        probe: Callable[[Host, str], bool],
        folder: RouteFolder,
        journal: Journal,
        locks: HostLocks,
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._probe = probe
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._on_end = on_end
        self._history = History()
        self._starting = threading.Lock()
        self._under_way: dict[str, Wake] = {}
        self._ready_until: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}

    def wake(self, host: Host, *, visitor: str) -> bool:
        """Begin to wake a host; False if a wake was under way, which this visitor has joined.

        Raises: JournalError when the wish can't be written down; then nothing is started.
        """
        with self._starting:
            current = self._under_way.get(host.name)
            if current and current.starts:
                return False
            at = self._journal.append("wake_requested", host.name, visitor=visitor, gate=host.gate)
            log.info("%s: wake requested", host.name)
            self._begin(Wake(host, starts=True, since=at))
            return True

    def attend(self, host: Host) -> Wake:
        """Hand the host back to its route as soon as the app of its running upstream answers."""
        with self._starting:
            current = self._under_way.get(host.name)
            if current:
                return current
            return self._begin(Wake(host, starts=False, since=_now(), stage=Stage.ANSWERING))

    def resume(self, hosts: Callable[[str], Host | None]) -> None:
        """Read the journal and take up the wakes that an earlier process did not finish."""
        for event in self._journal.events():
            self._history.add(event)
        for name, since in self._history.unfinished().items():
            host = hosts(name)
            if host and _now() - since < host.ready.timeout:
                log.info("%s: taking up the wake that was requested at %s", name, since)
                with self._starting:
                    self._begin(Wake(host, starts=True, since=since))

    def under_way(self, name: str) -> Wake | None:
        """Return the wake or attendance that runs for a host now."""
        return self._under_way.get(name)

    def just_ready(self, name: str) -> bool:
        """Whether the host's app answered a moment ago."""
        return self._ready_until.get(name, 0.0) > time.monotonic()

    def note_ready(self, name: str) -> None:
        """Remember for a moment that the host's own route is, or is about to be, in force."""
        self._ready_until[name] = time.monotonic() + _READY_SHOWN_S

    def failure(self, name: str) -> Failure | None:
        """Return how the last wake failed, while that is news."""
        failure = self._failures.get(name)
        return failure if failure and failure.until > time.monotonic() else None

    def late_s(self, name: str) -> float | None:
        """Return how long a wake of a host takes at most, but for one in ten, if known."""
        return self._history.late_s(name)

    def expected_s(self, name: str) -> float | None:
        """Return how long a wake of this host usually takes."""
        return self._history.expected_s(name)

    def _begin(self, wake: Wake) -> Wake:
        self._under_way[wake.host.name] = wake
        self._failures.pop(wake.host.name, None)
        threading.Thread(
            target=self._run, args=(wake,), name=f"wake-{wake.host.name}", daemon=True
        ).start()
        return wake

    def _run(self, wake: Wake) -> None:
        name = wake.host.name
        try:
            self._wake(wake) if wake.starts else self._attend(wake)
        except UpstreamError as error:
            self._fail(wake, error.reason, str(error))
        except (WaitroomError, OSError) as error:
            self._fail(wake, Reason.FAILED, str(error))
        except Exception:
            log.exception("%s: a wake broke; this is a fault of ours", name)
            self._fail(wake, Reason.FAILED, "internal error")
        finally:
            self._on_end(name)
            with self._starting:
                if self._under_way.get(name) is wake:
                    del self._under_way[name]
            wake.ended.set()

    def _wake(self, wake: Wake) -> None:
        host = wake.host
        # The sidecar may be in the middle of stopping it: that is waited out, then it starts.
        wake.stage = Stage.STOPPING
        with self._locks.hold(host.name, wait_s=host.ready.timeout.total_seconds()) as ours:
            if not ours:
                raise too_late(host, "is still being stopped")
            url = self._bring_up(wake)
            if url:
                self._hand_over(host, url)
                self._ready(wake)

    def _attend(self, wake: Wake) -> None:
        host = wake.host
        url = self._bring_up(wake)
        if url is None:
            return
        with self._locks.hold(host.name) as ours:
            # Without the lock it may have been stopped since it answered.
            if ours and self._connect(host).status().phase is Phase.RUNNING:
                self.note_ready(host.name)
                if self._hand_over(host, url):
                    log.info("%s: found running, handed back to its route", host.name)
                    self._journal.append("found_running", host.name)

    def _hand_over(self, host: Host, url: str) -> bool:
        """Hand the host back to its route; where only the provider knew its url, write that first.

        Traefik reads the folder in the order of names, HOST.asleep.yml before HOST.yml: it never
        sees the shadow gone and the old url still there.
        """
        if host.route is Route.OURS and host.url is None:
            self._folder.lead(host.names, url)
        return self._folder.hand_over(host.name)

    def _bring_up(self, wake: Wake) -> str | None:
        """Go on until the app answers and return its url; None: stopped, and not ours to start."""
        host, starts = wake.host, 0
        upstream = self._connect(host)
        patience = Patience(host, wake.since)
        while True:
            try:
                status = upstream.status()
                if status.phase is Phase.STOPPED:
                    if not wake.starts:
                        return None
                    _demand_another(starts)
                    upstream.start()
                    starts += 1
            except UpstreamError as error:
                if error.reason not in (Reason.UNREACHABLE, Reason.CAPACITY):
                    raise
                log.warning("%s: %s; trying again", host.name, error)
                if error.reason is Reason.CAPACITY:
                    starts, wake.stage = 0, Stage.QUEUED
                patience.pause(error)
                continue
            wake.stage = stage(host, status)
            url = host.url or status.url
            if status.phase is Phase.RUNNING and url and self._probe(host, url):
                return url
            patience.pause()

    def _ready(self, wake: Wake) -> None:
        name = wake.host.name
        took_s = round((_now() - wake.since).total_seconds(), 3)
        self.note_ready(name)
        self._history.add_wake(name, took_s)
        log.info("%s: awake after %.1f s", name, took_s)
        self._journal.append("woken", name, took_s=took_s)

    def _fail(self, wake: Wake, reason: Reason, text: str) -> None:
        name = wake.host.name
        until = time.monotonic() + _FAILURE_SHOWN_S
        self._failures[name] = Failure(reason, _now(), until)
        log.error("%s: %s: %s", name, "wake failed" if wake.starts else "not handed back", text)
        if wake.starts:
            try:
                self._journal.append("wake_failed", name, reason=reason, detail=text)
            except WaitroomError as error:
                log.error("%s: %s", name, error)


def _demand_another(starts: int) -> None:
    """Demand that the app has not ended after each start before. Raises: UpstreamError."""
    if starts == _STARTS:
        text = f"stopped again after each of {_STARTS} starts; see the app's own log"
        raise UpstreamError(Reason.CRASHED, text)


def _now() -> datetime:
    return datetime.now(UTC)
