"""Discovery as the waiting room uses it: what is found is written down, and acted on at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from waitroom import containers
from waitroom.config import RegistryFile
from waitroom.discovery import Discoverer
from waitroom.hosts import DockerUpstream
from waitroom.labels import Container
from waitroom.upkeep import Upkeep


def announcing(path: Path, file: RegistryFile, upkeep: Upkeep) -> Discoverer:
    """Make the discoverer that keeps `path` (see `containers`) and has hosts looked at."""
    from waitroom.upstreams.docker_labels import Labelled  # noqa: PLC0415 - Docker's library takes 150 ms

    def publish(found: Iterable[Container]) -> None:
        if containers.write(path, found):
            file.take_in(upkeep.adopt)

    def happened(container: str) -> None:
        for host in file.registry.hosts.values():
            if host.upstream == DockerUpstream(container):
                # The look may wait for its provider, and more may happen meanwhile.
                threading.Thread(target=upkeep.look_at, args=(host,), daemon=True).start()

    return Discoverer(Labelled(), publish=publish, happened=happened, missed=upkeep.look_at_all)
