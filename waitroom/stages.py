"""How far a wake has come, in a visitor's words for the provider's own. Pure."""

from __future__ import annotations

from waitroom.hosts import DockerUpstream, Host
from waitroom.upstreams.base import Phase, Status
from waitroom.view import Stage

STAGES = {
    Phase.STOPPED: Stage.STARTING,
    Phase.STARTING: Stage.STARTING,
    Phase.RUNNING: Stage.ANSWERING,
    Phase.STOPPING: Stage.STOPPING,
    Phase.REPAIRING: Stage.REPAIRING,
}
# What Compute Engine says while a machine starts, in this order.
_OF_A_VM = {
    "PENDING": Stage.RESERVING,
    "PROVISIONING": Stage.RESERVING,
    "STAGING": Stage.PREPARING,
}


def stage(host: Host, status: Status) -> Stage:
    """Return the stage of a wake whose upstream has this status."""
    general = STAGES[status.phase]
    if general is not Stage.STARTING:
        return general
    if isinstance(host.upstream, DockerUpstream):
        return Stage.CONTAINER
    return _OF_A_VM.get(status.detail, general)
