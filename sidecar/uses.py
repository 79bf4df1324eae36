"""The use of every host, put together from all who know of it: records, provider, our own eyes."""

from __future__ import annotations

from datetime import UTC, datetime

from sidecar.recorder import Recorder
from waitroom.hosts import Host
from waitroom.idle import Use, Wish, latest, standing
from waitroom.upstreams.base import Phase, Status


class Uses:
    """What is known now. Threads: any may ask, each host's own thread notes."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.watched_since = datetime.now(UTC)
        self._stopped: set[str] = set()  # hosts that were last seen not to run
        self._started: dict[str, datetime] = {}  # and when they were seen to run after that

    def of(self, host: Host, status: Status | None = None) -> Use:
        """Return what is known of a host's use; `status`: what its provider says now."""
        now = datetime.now(UTC)
        return Use(
            last_used=self._recorder.last_used(host.name),
            last_woken=self._recorder.last_woken(host.name),
            started_at=(status and status.started_at) or self._started.get(host.name),
            watched_since=self.watched_since,
            kept_until=latest(host.awake.until(now), self._recorder.kept_until(host.name)),
            wish=self._recorder.wish(host.name),
        )

    def wish(self, name: str) -> Wish | None:
        """Return an operator's wish that a host sleeps, if it is still to be answered."""
        return standing(self._recorder.wish(name), datetime.now(UTC))

    def note(self, host: Host, status: Status) -> None:
        """Remember when it was seen to run again, for a provider that does not tell."""
        if status.phase is not Phase.RUNNING:
            self._stopped.add(host.name)
        elif host.name in self._stopped:
            self._stopped.discard(host.name)
            self._started[host.name] = datetime.now(UTC)
