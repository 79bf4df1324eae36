"""An upstream whose provider does what the test says."""

from __future__ import annotations

from typing import Any

from waitroom.document import parse
from waitroom.errors import UpstreamError
from waitroom.hosts import Host
from waitroom.upstreams.base import Phase, Status


def a_host(**keys: Any) -> Host:
    app = {"docker": {"container": "app"}, "url": "http://app:80", **keys}
    return parse({"hosts": {"app.test": app}}).hosts["app.test"]


class FakeUpstream:
    """Starts and stops at once unless `phase_after_start` says otherwise."""

    def __init__(self, phase: Phase = Phase.STOPPED) -> None:
        self.phase = phase
        self.phase_after_start = Phase.RUNNING
        self.fault: UpstreamError | None = None
        self.starts = 0
        self.stops = 0

    def status(self) -> Status:
        if self.fault:
            raise self.fault
        return Status(self.phase)

    def start(self) -> None:
        self.starts += 1
        self.phase = self.phase_after_start

    def stop(self) -> None:
        self.stops += 1
        self.phase = Phase.STOPPED
