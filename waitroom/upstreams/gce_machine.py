"""A VM as we look at it; the library's own type of it ends here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from google.cloud import compute_v1

from waitroom.upstreams.base import Phase

# Every value of Instance.status.
PHASES = {
    "PENDING": Phase.STARTING,
    "PROVISIONING": Phase.STARTING,
    "STAGING": Phase.STARTING,
    "RUNNING": Phase.RUNNING,
    "REPAIRING": Phase.REPAIRING,
    "PENDING_STOP": Phase.STOPPING,
    "STOPPING": Phase.STOPPING,
    "SUSPENDING": Phase.STOPPING,
    "DEPROVISIONING": Phase.STOPPING,
    "STOPPED": Phase.STOPPED,
    "TERMINATED": Phase.STOPPED,
    "SUSPENDED": Phase.STOPPED,
}
# How one is started from the states in which it costs nothing and stays until that is done.
WAKES = {"TERMINATED": "start", "STOPPED": "start", "SUSPENDED": "resume"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What we look at of an instance."""

    status: str  # in the API's word
    labels: Mapping[str, str]
    internal: str | None  # addresses of the first interface
    external: str | None
    started_at: datetime | None

    @property
    def sleeps(self) -> bool:
        """Whether it costs nothing and stays as it is until it is started."""
        return self.status in WAKES


def read_machine(instance: compute_v1.Instance) -> Machine:
    """Keep what we look at."""
    internal = external = None
    if instance.network_interfaces:
        first = instance.network_interfaces[0]
        internal = first.network_i_p or None
        external = next((each.nat_i_p for each in first.access_configs if each.nat_i_p), None)
    return Machine(
        status=instance.status,
        labels=dict(instance.labels),
        internal=internal,
        external=external,
        started_at=_time(instance.last_start_timestamp),
    )


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
