"""Containers that sleep and wake together: an app with its database and its cache.

Each is started when those that it needs run, and are healthy if they can tell, and is stopped
before them. Who needs whom is read from the containers themselves (`depends_on`), so it is said
once, and as it is now. No other container is ever touched.

One call does one step: `start` starts whoever can be started now, and never waits for health.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from waitroom.errors import ConfigError, Reason, UpstreamError
from waitroom.labels import depends_on
from waitroom.labels.depends_on import Needs
from waitroom.upstreams.base import Member, Phase, Status, Upstream
from waitroom.upstreams.docker import Container

# A container that exits right after each start is broken; its app may need minutes to see it.
_STARTS = 3


@dataclass(frozen=True, slots=True)
class _Found:
    """One container at one moment."""

    container: Container
    status: Status
    health: str | None  # the engine's word; None: it has no health check
    service: str

    @property
    def is_healthy(self) -> bool:
        return self.health in (None, "healthy")

    @property
    def word(self) -> str:
        more = "" if self.is_healthy or self.status.phase is not Phase.RUNNING else self.health
        return f"{self.service}: {self.status.detail}" + (f" ({more})" if more else "")

    def is_ready(self, *, healthy: bool) -> bool:
        """Whether those that need it can be started."""
        return self.status.phase is Phase.RUNNING and (self.is_healthy or not healthy)

    def as_member(self) -> Member:
        runs = self.status.phase is Phase.RUNNING
        return Member(
            self.service,
            self.container.name,
            self.status.phase if self.is_healthy or not runs else Phase.STARTING,
        )


class Group(Upstream):
    """Some containers, the app's own first. Lives for one wake or one sleep."""

    def __init__(self, containers: Sequence[Container]) -> None:
        self._containers = containers
        self._starts: Counter[str] = Counter()

    def status(self) -> Status:
        """Inspect all containers."""
        found, _ = self._look()
        phases = {one.status.phase for one in found.values()}
        moments = [one.status.started_at for one in found.values() if one.status.started_at]
        if Phase.RUNNING in phases:  # who may do without those that have just ended
            phases.discard(Phase.RESTARTING)
        return Status(
            phases.pop() if len(phases) == 1 else Phase.PARTLY,
            max(moments, default=None),
            ", ".join(one.word for one in found.values()),
            members=tuple(one.as_member() for one in found.values()),
            trouble="; ".join(filter(None, (one.status.trouble for one in found.values()))),
        )

    def start(self) -> None:
        """Start each container that is stopped, and whose needs are met."""
        found, needs = self._look()
        for name, needed in needs.items():
            met = all(found[other].is_ready(healthy=healthy) for other, healthy in needed.items())
            if met and found[name].status.phase is Phase.STOPPED:
                self._start(found[name].container)

    def stop(self) -> None:
        """Stop one after the other, each before those that it needs."""
        found, needs = self._look()
        for name in reversed(needs):
            container = found[name].container
            container.stop()
            if container.status().phase is not Phase.STOPPED:
                return  # it saves its data, perhaps to one of those that it needs

    def _start(self, container: Container) -> None:
        if self._starts[container.name] == _STARTS:
            text = f"stopped again after each of {_STARTS} starts; see its own log"
            raise UpstreamError(Reason.CRASHED, f"container {container.name!r} {text}")
        self._starts[container.name] += 1
        container.start()

    def _look(self) -> tuple[dict[str, _Found], dict[str, Needs]]:
        """Return the containers by name, and what each needs, in the order of their starts."""
        found: dict[str, _Found] = {}
        labels: dict[str, dict[str, str]] = {}
        for container in self._containers:
            inspected = container.inspect()
            labels[container.name] = inspected["Config"].get("Labels") or {}
            found[container.name] = _Found(
                container,
                container.read(inspected),
                inspected["State"].get("Health", {}).get("Status"),
                depends_on.service(container.name, labels[container.name]),
            )
        try:
            return found, depends_on.needs(labels)
        except ConfigError as error:
            raise UpstreamError(Reason.CONDITION, str(error)) from None
