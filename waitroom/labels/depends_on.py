"""Who needs whom among the containers of a group, by what Compose has written on each of them.

Pure. A container of Compose bears its service, and what that depends on, as a label:
`db:service_healthy:false,cache:service_started:true` (the last word is about restarts). One that
Compose did not make bears nothing; if it is the app's own, it needs all the others.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping

from waitroom.errors import ConfigError

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_DEPENDS_ON = "com.docker.compose.depends_on"

Labels = Mapping[str, str]
# What a container needs to run before it starts; True: and to be healthy, if it can tell.
Needs = Mapping[str, bool]


def service(container: str, labels: Labels) -> str:
    """Return the name by which its operator knows a container."""
    return labels.get(_SERVICE) or container


def needs(group: Mapping[str, Labels]) -> dict[str, Needs]:
    """Return what each container needs of the others; the first is the app's own.

    In the order in which they can be started. Raises: ConfigError if there is none.
    """
    app = next(iter(group))
    found = {container: dict(_needs(container, group)) for container in group}
    if _SERVICE not in group[app]:
        found[app] = {container: True for container in group if container != app}
    try:
        order = tuple(graphlib.TopologicalSorter(found).static_order())
    except graphlib.CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise ConfigError(f"none of a group can be started first: {circle}") from None
    return {container: found[container] for container in order}


def _needs(container: str, group: Mapping[str, Labels]) -> Iterator[tuple[str, bool]]:
    for dependency in group[container].get(_DEPENDS_ON, "").split(","):
        name, _, rest = dependency.partition(":")
        condition = rest.partition(":")[0]
        for other in _of_service(name, group[container].get(_PROJECT), group):
            if condition == "service_completed_successfully":
                raise ConfigError(
                    f"container {other} is to have ended before {container} starts; take it out of"
                    " the group, whose containers run together"
                )
            yield other, condition != "service_started"


def _of_service(name: str, project: str | None, group: Mapping[str, Labels]) -> Iterator[str]:
    """Return a service's containers: several if it is scaled, none if it is not of the group."""
    for container, labels in group.items():
        if (labels.get(_SERVICE), labels.get(_PROJECT)) == (name, project):
            yield container
