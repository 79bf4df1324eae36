"""An upstream whose provider does what the test says."""

from __future__ import annotations

import dataclasses
from typing import Any

from waitroom.errors import UpstreamError
from waitroom.registry.document import parse
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Member, Phase, Status


def a_vm(**keys: Any) -> Host:
    vm = {"gce": {"instance": "erp-1", "zone": "asia-southeast2-a"}, "port": 8080, **keys}
    document = {"gce": {"project": "my-project"}, "hosts": {"app.test": vm}}
    return parse(document).hosts["app.test"]


def a_host(name: str = "app.test", **keys: Any) -> Host:
    app = {"docker": {"container": "app"}, "url": "http://app:80", **keys}
    return parse({"hosts": {name: app}}).hosts[name]


class FakeUpstream:
    """Starts and stops at once unless `phase_after_start` says otherwise."""

    def __init__(self, phase: Phase = Phase.STOPPED) -> None:
        self.phase = phase
        self.phase_after_start = Phase.RUNNING
        self.fault: UpstreamError | None = None
        self.url: str | None = None
        self.detail = ""
        self.trouble = ""
        self.members: tuple[Member, ...] = ()
        self.fails_to_start: list[UpstreamError] = []  # what the status says after each start
        self._failed: UpstreamError | None = None
        self.looks = 0
        self.starts = 0
        self.stops = 0

    def status(self) -> Status:
        self.looks += 1
        failed, self._failed = self._failed, None
        if self.fault or failed:
            raise self.fault or failed  # type: ignore[misc]
        return Status(
            self.phase,
            detail=self.detail,
            url=self.url,
            members=self.members if self.phase is Phase.PARTLY else self._all_alike(),
            trouble=self.trouble,
        )

    def _all_alike(self) -> tuple[Member, ...]:
        return tuple(dataclasses.replace(member, phase=self.phase) for member in self.members)

    def start(self) -> None:
        self.starts += 1
        if self.fails_to_start:
            self._failed = self.fails_to_start.pop(0)
            return
        self.phase = self.phase_after_start

    def lacks(self) -> list[str]:
        return []

    def stop(self) -> None:
        self.stops += 1
        self.phase = Phase.STOPPED
