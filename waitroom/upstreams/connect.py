"""From a host of the registry to the upstream behind it.

A provider's library is imported when the first of its hosts is used, so that nobody pays for one
that hosts.yaml does not name: `docker` takes 150 ms, google-cloud-compute 2 s and 150 MB.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waitroom.hosts import CommandUpstream, DockerUpstream, GceUpstream, Host
from waitroom.upstreams.base import Upstream
from waitroom.upstreams.command import Command

if TYPE_CHECKING:
    import docker

    from waitroom.upstreams.gce_fleet import Fleet


class Connector:
    """Makes upstreams; holds what they share: the Docker client, what is known of the VMs."""

    def __init__(self) -> None:
        self._docker: docker.DockerClient | None = None
        self._gce: Fleet | None = None
        self._lock = threading.Lock()

    def __call__(self, host: Host) -> Upstream:
        """Return the host's upstream. Raises: UpstreamError for a provider that is not there."""
        match host.upstream:
            case CommandUpstream():
                return Command(host.upstream)
            case DockerUpstream(container):
                from waitroom.upstreams.docker import Container  # noqa: PLC0415 - see above

                return Container(self._docker_client, container, host.sleep)
            case GceUpstream():
                from waitroom.upstreams.gce import Vm  # noqa: PLC0415 - see above

                return Vm(self._gce_fleet(), host.upstream, host.sleep)

    def calls(self) -> Mapping[str, int]:
        """Return how often the API of Compute Engine was asked, by method."""
        return self._gce.api.calls.taken() if self._gce else {}

    def _docker_client(self) -> docker.DockerClient:
        from waitroom.upstreams.docker import client  # noqa: PLC0415 - see above

        with self._lock:
            if self._docker is None:
                self._docker = client()
            return self._docker

    def _gce_fleet(self) -> Fleet:
        from waitroom.upstreams.gce import fleet  # noqa: PLC0415 - see above

        with self._lock:
            if self._gce is None:
                self._gce = fleet()
            return self._gce
