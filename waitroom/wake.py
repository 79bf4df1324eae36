"""Waking: from a visitor's wish to an app that answers, once for all who wait.

A wake is journalled, then starts the upstream, then probes the app until it answers, and then
hands the host back to its own route. One runs for a host at a time; whoever else asks joins it.
Attending is the same without the start: the upstream runs already (started by hand, or its app is
slow to come up), and the route is handed back when the app answers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from traefik.folder import RouteFolder
from waitroom.bring_up import LATE, Wake, bring_up
from waitroom.budgets import Wish
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.grants import Grants
from waitroom.hosts import Host, Route
from waitroom.journal import Journal, JournalError
from waitroom.locks import HostLocks
from waitroom.outcomes import Outcomes
from waitroom.patience import too_late
from waitroom.stops import Stops
from waitroom.upstreams.base import Phase, Upstream
from waitroom.view import Refused, Stage

log = logging.getLogger(__name__)


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
        stops: Stops,
        outcomes: Outcomes,
        grants: Grants,
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._probe = probe
        self._folder = folder
        self._journal = journal
        self._locks = locks
        self._stops = stops
        self._outcomes = outcomes
        self._grants = grants
        self._on_end = on_end
        # Held from the look at the budgets until the journal has the wake.
        self._starting = threading.Lock()
        self._under_way: dict[str, Wake] = {}

    def wake(self, host: Host, wish: Wish) -> bool:
        """Begin to wake a host, or join its wake; False if one has failed only a moment ago.

        Raises: BudgetSpent; JournalError when the wish can't be written down, or what was granted
            before can't be read. Then nothing is started.
        """
        with self._starting:
            current = self._under_way.get(host.name)
            if (current and current.starts) or self._just_woken(host):
                return True
            failure = self._outcomes.failure(host.name)
            if failure and failure.again_s:
                return False
            at = self._grants.grant(host, wish, self._starts())
            log.info("%s: wake requested", host.name)
            self._begin(Wake(host, starts=True, since=at))
            return True

    def refusal(self, host: Host, wish: Wish) -> Refused | None:
        """Return why such a wish would be refused now, if it would. Raises: JournalError."""
        with self._starting:
            return self._grants.refusal(host, wish, self._starts())

    def attend(self, host: Host) -> Wake:
        """Hand the host back to its route as soon as the app of its running upstream answers."""
        with self._starting:
            current = self._under_way.get(host.name)
            if current:
                return current
            return self._begin(Wake(host, starts=False, since=_now(), stage=Stage.ANSWERING))

    def resume(self, hosts: Callable[[str], Host | None]) -> None:
        """Read the journal and take up the wakes that an earlier process did not finish.

        Logs a journal that can't be read: it is tried again before the next wake.
        """
        with self._starting:
            try:
                for event in self._grants.recall():
                    self._outcomes.history.add(event)
            except JournalError as error:
                log.error("no host is woken: %s", error)
            for name, since in self._outcomes.history.unfinished().items():
                host = hosts(name)
                if host and _now() - since < host.ready.timeout:
                    log.info("%s: taking up the wake that was requested at %s", name, since)
                    self._begin(Wake(host, starts=True, since=since))

    def under_way(self, name: str) -> Wake | None:
        """Return the wake or attendance that runs for a host now."""
        return self._under_way.get(name)

    def _just_woken(self, host: Host) -> bool:
        """Whether somebody's wake ended well since this one was thought to be needed."""
        return self._outcomes.just_ready(host.name) and self._folder.shadow(host.name) is None

    def _starts(self) -> int:
        return sum(wake.starts for wake in self._under_way.values())

    def _begin(self, wake: Wake) -> Wake:
        self._under_way[wake.host.name] = wake
        self._outcomes.forget_failure(wake.host.name)
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
                raise too_late(host, LATE[wake.stage])
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
            if ours and self._still_runs(host):
                self._outcomes.note_ready(host.name)
                if self._hand_over(host, url):
                    log.info("%s: found running, handed back to its route", host.name)
                    self._journal.append("found_running", host.name)

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

    def _bring_up(self, wake: Wake) -> str | None:
        return bring_up(wake, self._connect(wake.host), self._probe, self._stops)

    def _ready(self, wake: Wake) -> None:
        name = wake.host.name
        took_s = round((_now() - wake.since).total_seconds(), 3)
        self._outcomes.note_ready(name)
        self._outcomes.history.add_wake(name, took_s)
        log.info("%s: awake after %.1f s", name, took_s)
        self._journal.append("woken", name, took_s=took_s)

    def _fail(self, wake: Wake, reason: Reason, text: str) -> None:
        name = wake.host.name
        self._outcomes.note_failure(name, reason)
        log.error("%s: %s: %s", name, "wake failed" if wake.starts else "not handed back", text)
        if wake.starts:
            try:
                self._journal.append("wake_failed", name, reason=reason, detail=text)
            except WaitroomError as error:
                log.error("%s: %s", name, error)


def _now() -> datetime:
    return datetime.now(UTC)
