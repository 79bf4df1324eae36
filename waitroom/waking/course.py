"""A wake's course: it brings the upstream up and hands the host back to its own route.

Whatever comes in its way, it ends, and how it ended is journalled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from traefik.folder import RouteFolder
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.journal import Journal, JournalError
from waitroom.kinds import Kind
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Front, Host
from waitroom.registry.values import Route
from waitroom.upstreams.base import Phase, Upstream
from waitroom.view import Stage
from waitroom.waking.bring_up import LATE, Wake, bring_up
from waitroom.waking.outcomes import Outcomes
from waitroom.waking.patience import too_late
from waitroom.waking.stops import Stops

log = logging.getLogger(__name__)


class Course:
    """Of any wake. Threads: any may run one."""

    def __init__(
        self,
        *,
        connect: Callable[[Host], Upstream],
        probe: Callable[[Host, Front], bool],
        folder: RouteFolder,
        journal: Journal,
        locks: HostLocks,
        stops: Stops,
        outcomes: Outcomes,
    ) -> None:
        self._connect = connect
        self._probe = probe
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._stops = stops
        self._outcomes = outcomes

    def run(self, wake: Wake) -> None:
        """See a wake or an attendance through to its end. Never raises."""
        try:
            self._wake(wake) if wake.starts else self._attend(wake)
        except UpstreamError as error:
            self._fail(wake, error.reason, str(error))
        except (WaitroomError, OSError) as error:
            self._fail(wake, Reason.FAILED, str(error))
        except Exception:
            log.exception("%s: a wake broke; this is a fault of ours", wake.host.name)
            self._fail(wake, Reason.FAILED, "internal error")

    def note_failed(self, wake: Wake, reason: Reason, text: str) -> None:
        """Log and journal a wake that has failed."""
        name = wake.host.name
        log.error(
            "%s: %s: %s",
            name,
            "wake failed" if wake.starts else "its route could not be given back",
            text,
        )
        if wake.starts:
            self._note(Kind.WAKE_FAILED, name, reason=reason, detail=text)

    def _wake(self, wake: Wake) -> None:
        host = wake.host
        # The sidecar may be in the middle of stopping it: that is waited out, then it starts.
        if self._stops.under_way(host.name):
            wake.stage = Stage.STOPPING
        if self._stops.unseen(host.name):
            # Without the lock: if a sidecar died over that stop, the next one orders it again.
            self._bring_up(wake, may_start=False)
        with self._locks.hold(host.name, wait_s=host.ready.timeout.total_seconds()) as ours:
            if not ours:
                raise too_late(host, LATE[Stage.STOPPING])
            url = self._bring_up(wake, may_start=True)
            if url:
                self._hand_over(host, url)
                self._ready(wake)

    def _attend(self, wake: Wake) -> None:
        host = wake.host
        url = self._bring_up(wake, may_start=False)
        if url is None:
            return
        with self._locks.hold(host.name) as ours:
            if ours and self._still_runs(host):
                wake.answered = True
                self._outcomes.note_ready(host.name)
                if self._hand_over(host, url):
                    log.info("%s: found running, handed back to its route", host.name)
                    self._note(Kind.FOUND_RUNNING, host.name)

    def _still_runs(self, host: Host) -> bool:
        """Whether it was not stopped since it answered, when nobody held the lock."""
        running = self._connect(host).status().phase is Phase.RUNNING
        return running and not self._stops.unseen(host.name)

    def _hand_over(self, host: Host, url: str) -> bool:
        """Hand the host back to its route; where only the provider knew its url, write that first.

        Traefik reads the folder in the order of names, HOST.asleep.yml before HOST.yml: it never
        sees the shadow gone and the old url still there.
        """
        if host.route is Route.OURS and host.url is None:
            self._folder.lead(host.names, url)
        return self._folder.hand_over(host.name)

    def _bring_up(self, wake: Wake, *, may_start: bool) -> str | None:
        upstream = self._connect(wake.host)
        return bring_up(wake, upstream, self._probe, self._stops, may_start=may_start)

    def _ready(self, wake: Wake) -> None:
        name = wake.host.name
        took_s = round((datetime.now(UTC) - wake.since).total_seconds(), 3)
        self._outcomes.note_ready(name)
        self._outcomes.history.add_wake(name, took_s)
        log.info("%s: awake after %.1f s", name, took_s)
        self._note(Kind.WOKEN, name, took_s=took_s)

    def _note(self, kind: Kind, name: str, **fields: object) -> None:
        """Journal how it ended; that stays so if the journal can't be written."""
        try:
            self._journal.append(kind, name, **fields)
        except JournalError as error:
            log.error("%s: the event %s could not be recorded: %s", name, kind, error)

    def _fail(self, wake: Wake, reason: Reason, text: str) -> None:
        self._outcomes.note_failure(wake.host.name, reason)
        self.note_failed(wake, reason, text)
