"""How far a wake has come, in a visitor's words for the provider's own. Pure."""

from __future__ import annotations

from waitroom.registry.hosts import Host
from waitroom.registry.named import DockerUpstream
from waitroom.upstreams.base import Phase, Status
from waitroom.view import MemberState, Stage

STAGES = {
    Phase.STOPPED: Stage.STARTING,
    Phase.STARTING: Stage.STARTING,
    Phase.PARTLY: Stage.STARTING,
    Phase.RUNNING: Stage.ANSWERING,
    Phase.RESTARTING: Stage.ANSWERING,  # its engine may have lost it, while its app runs on
    Phase.STOPPING: Stage.STOPPING,
    Phase.REPAIRING: Stage.REPAIRING,
}
MEMBERS = {
    Phase.STOPPED: MemberState.WAITING,
    Phase.STARTING: MemberState.STARTING,
    Phase.PARTLY: MemberState.STARTING,
    Phase.RUNNING: MemberState.RUNNING,
    Phase.RESTARTING: MemberState.STARTING,
    Phase.STOPPING: MemberState.STOPPING,
    Phase.REPAIRING: MemberState.STARTING,
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
    if isinstance(host.upstream, DockerUpstream) and not host.upstream.group:
        return Stage.CONTAINER
    return _OF_A_VM.get(status.detail, general)


def members(status: Status) -> tuple[tuple[str, MemberState], ...]:
    """Return what each of a group does while the group is woken."""
    return tuple((member.name, MEMBERS[member.phase]) for member in status.members)
