"""Discovery as the waiting room uses it: what is found is written down, and acted on at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from waitroom.labels.discovery import Discoverer
from waitroom.labels.labels import Container
from waitroom.registry import containers
from waitroom.registry.config import RegistryFile
from waitroom.registry.named import DockerUpstream
from waitroom.upkeep import Upkeep
from waitroom.upstreams.base import Status


def announcing(path: Path, file: RegistryFile, upkeep: Upkeep) -> Discoverer:
    """Make the discoverer that keeps `path` (see `containers`) and has hosts looked at."""
    # Docker's library takes 150 ms.
    from waitroom.upstreams.docker import PHASES  # noqa: PLC0415
    from waitroom.upstreams.docker_labels import Labelled  # noqa: PLC0415

    def publish(found: Iterable[Container]) -> None:
        if containers.write(path, found):
            file.take_in(upkeep.adopt)

    def happened(container: str) -> None:
        for host in file.registry.hosts.values():
            if isinstance(host.upstream, DockerUpstream) and container in host.upstream.containers:
                # The look may wait for its provider, and more may happen meanwhile.
                threading.Thread(target=upkeep.look_at, args=(host,), daemon=True).start()

    def listed(states: Mapping[str, str]) -> None:
        said = {}
        for host in file.registry.hosts.values():
            if isinstance(host.upstream, DockerUpstream):
                phases = {PHASES.get(states.get(name, "")) for name in host.upstream.containers}
                phase = phases.pop() if len(phases) == 1 else None
                if phase:  # else it is asked about: a group that runs in part, or no label of ours
                    said[host.name] = Status(phase)
        upkeep.hear(said)

    return Discoverer(Labelled(), publish=publish, happened=happened, listed=listed)
