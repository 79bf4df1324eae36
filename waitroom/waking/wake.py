"""Waking: from a visitor's wish to an app that answers, once for all who wait.

A wake is granted and journalled, and then takes its course. One runs for a host at a time; whoever
else asks joins it. Attending is the same for an upstream that runs already (started by hand, or
its app is slow to come up): nothing is granted and nothing started.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from traefik.folder import RouteFolder
from waitroom.errors import Reason
from waitroom.journal import JournalError
from waitroom.registry.hosts import Host
from waitroom.view import Refused, Stage
from waitroom.waking.bring_up import Wake
from waitroom.waking.budgets import Claim, Left
from waitroom.waking.course import Course
from waitroom.waking.grants import Grants
from waitroom.waking.outcomes import Outcomes

log = logging.getLogger(__name__)


class Waker:
    """All wakes of this process. Threads: any may call, each wake runs in one of its own."""

    def __init__(
        self,
        *,
        course: Course,
        folder: RouteFolder,
        outcomes: Outcomes,
        grants: Grants,
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._course = course
        self._folder = folder
        self._outcomes = outcomes
        self._grants = grants
        self._on_end = on_end
        # Held from the look at the budgets until the journal has the wake.
        self._starting = threading.Lock()
        self._under_way: dict[str, Wake] = {}

    def wake(self, host: Host, claim: Claim) -> bool:
        """Begin to wake a host, or join its wake; False if one has failed only a moment ago.

        Raises: NotGranted; JournalError when the wake can't be written down, or what was granted
            before can't be read. Then nothing is started.
        """
        with self._starting:
            current = self._under_way.get(host.name)
            if (current and current.starts) or self._just_woken(host):
                return True
            failure = self._outcomes.failure(host.name)
            if failure and failure.again_s:
                return False
            at = self._grants.grant(host, claim, self._starts())
            log.info("%s: wake requested", host.name)
            self._begin(Wake(host, starts=True, since=at))
            return True

    def refusal(self, host: Host, claim: Claim) -> Refused | None:
        """Return why such a claim would be refused now, if it would. Raises: JournalError."""
        with self._starting:
            return self._grants.refusal(host, claim, self._starts())

    def left(self, host: Host) -> Left:
        """Return what a host has left of its budget. Raises: JournalError."""
        with self._starting:
            return self._grants.left(host)

    def attend(self, host: Host) -> Wake:
        """Hand the host back to its route as soon as the app of its running upstream answers."""
        with self._starting:
            current = self._under_way.get(host.name)
            if current:
                return current
            return self._begin(
                Wake(host, starts=False, since=datetime.now(UTC), stage=Stage.ANSWERING)
            )

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
                if host is None:
                    continue
                wake = Wake(host, starts=True, since=since)
                if datetime.now(UTC) - since < host.ready.timeout:
                    log.info("%s: taking up the wake that was requested at %s", name, since)
                    self._begin(wake)
                else:  # the sidecar is told by that to look at what it may have started
                    text = "the waiting room was not running to see it through"
                    self._course.note_failed(wake, Reason.TIMEOUT, text)

    def under_way(self, name: str) -> Wake | None:
        """Return the wake or attendance that runs for a host now."""
        return self._under_way.get(name)

    def _just_woken(self, host: Host) -> bool:
        """Whether somebody's wake ended well since this one was thought to be needed."""
        return self._outcomes.just_ready(host.name) and self._folder.shadow(host.name) is None

    def _starts(self) -> int:
        return sum(wake.starts for wake in self._under_way.values())

    def _begin(self, wake: Wake) -> Wake:
        name = wake.host.name
        self._under_way[name] = wake
        self._outcomes.forget_failure(name)
        thread = threading.Thread(target=self._run, args=(wake,), name=f"wake-{name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # or all would wait for it for ever
            del self._under_way[name]
            self._course.note_failed(wake, Reason.FAILED, f"the system has no thread left: {error}")
            raise
        return wake

    def _run(self, wake: Wake) -> None:
        name = wake.host.name
        try:
            self._course.run(wake)
        finally:
            self._on_end(name)
            with self._starting:
                if self._under_way.get(name) is wake:
                    del self._under_way[name]
            wake.ended.set()
