"""From a host of the registry to the upstream behind it.

A provider's library is imported when the first of its hosts is used, so that nobody pays for one
that hosts.yaml does not name: `docker` takes 150 ms, google-cloud-compute 2 s and 150 MB.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waitroom.registry.hosts import Host
from waitroom.registry.named import CommandUpstream, DockerUpstream, GceUpstream
from waitroom.upstreams.base import Upstream
from waitroom.upstreams.command import Command

if TYPE_CHECKING:
    import docker

    from waitroom.upstreams.docker_list import StoppedContainers
    from waitroom.upstreams.gce_fleet import Fleet


class Connector:
    """Makes upstreams; holds what they share: the Docker client, what is known of the VMs."""

    def __init__(self, *, lists: bool = False) -> None:
        """Ask nobody yet. `lists`: containers with our label may be listed."""
        self._lists = lists
        self._stopped: StoppedContainers | None = None
        self._docker: docker.DockerClient | None = None
        self._gce: Fleet | None = None
        # Two locks: making Docker's client takes 20 s where the engine hangs.
        self._docker_lock, self._gce_lock = threading.Lock(), threading.Lock()

    def __call__(self, host: Host) -> Upstream:
        """Return the host's upstream. Raises: UpstreamError for a provider that is not there."""
        match host.upstream:
            case CommandUpstream():
                return Command(host.upstream)
            case DockerUpstream():
                from waitroom.upstreams.docker import Container  # noqa: PLC0415 - see above
                from waitroom.upstreams.docker_group import Group  # noqa: PLC0415 - see above

                app, *others = (
                    Container(self._docker_client, name, host.sleep)
                    for name in host.upstream.containers
                )
                return Group([app, *others]) if others else app
            case GceUpstream():
                from waitroom.upstreams.gce import Vm  # noqa: PLC0415 - see above

                return Vm(self._gce_fleet(), host.upstream, host.sleep)

    def is_listed_stopped(self, host: Host) -> bool:
        """Whether it did not run a minute ago, as one question for many told; False: ask."""
        stopped = self._stopped_containers()
        if stopped is None or not isinstance(host.upstream, DockerUpstream):
            return False
        return all(stopped.includes(name) for name in host.upstream.containers)

    def note_running(self, host: Host) -> None:
        """Note that it was seen to run, so what was listed before holds no more."""
        stopped = self._stopped_containers()
        if stopped and isinstance(host.upstream, DockerUpstream):
            stopped.discard(host.upstream.containers)

    def calls(self) -> Mapping[str, int]:
        """Return how often the API of Compute Engine was asked, by method."""
        return self._gce.api.calls() if self._gce else {}

    def _docker_client(self) -> docker.DockerClient:
        from waitroom.upstreams.docker import client  # noqa: PLC0415 - see above

        with self._docker_lock:
            if self._docker is None:
                self._docker = client()
            return self._docker

    def _stopped_containers(self) -> StoppedContainers | None:
        if not self._lists:
            return None
        from waitroom.upstreams.docker_list import StoppedContainers  # noqa: PLC0415 - see above

        with self._docker_lock:
            if self._stopped is None:
                self._stopped = StoppedContainers(self._docker_client)
            return self._stopped

    def _gce_fleet(self) -> Fleet:
        from waitroom.upstreams.gce import fleet  # noqa: PLC0415 - see above

        with self._gce_lock:
            if self._gce is None:
                self._gce = fleet()
            return self._gce
