"""Upstreams as hosts.yaml names them: what leads to one, and no word of how it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from waitroom.registry.values import Argv, ContainerName, Duration, Part


class DockerUpstream(Part, frozen=True):
    """A container, by name or id; with its group, if it needs others to run."""

    container: ContainerName
    group: tuple[ContainerName, ...] = ()  # wake and sleep with it

    @property
    def containers(self) -> tuple[str, ...]:
        """All of them, the app's own first."""
        return (self.container, *self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class GceUpstream:
    """A Compute Engine VM. Two are the same if they name the same VM, whatever else differs."""

    project: str
    zone: str
    instance: str
    port: int = field(compare=False)  # the app's, on the VM
    address: str = field(compare=False)  # internal, external, or a name that leads to the VM
    require_label: tuple[str, str] | None = field(compare=False)  # the VM must have it: key, value


class CommandUpstream(Part, frozen=True):
    """Anything with commands: argv lists, run without a shell. `status` exits 0 when it runs."""

    start: Argv
    stop: Argv
    status: Argv
    timeout: Duration = Duration(seconds=30)  # for each of the three


Upstream = DockerUpstream | GceUpstream | CommandUpstream
