"""From a host of the registry to the upstream behind it.

A provider's library is imported when the first of its hosts is used, so that nobody pays for one
that hosts.yaml does not name. `docker` alone takes 150 ms.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from waitroom.errors import Reason, UpstreamError
from waitroom.hosts import CommandUpstream, DockerUpstream, GceUpstream, Host
from waitroom.upstreams.base import Upstream
from waitroom.upstreams.command import Command

if TYPE_CHECKING:
    import docker


class Connector:
    """Makes upstreams; holds what they share, such as the one Docker client."""

    def __init__(self) -> None:
        self._docker: docker.DockerClient | None = None
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
                text = "this version has no provider for Compute Engine yet"
                raise UpstreamError(Reason.UNREACHABLE, text)

    def _docker_client(self) -> docker.DockerClient:
        from waitroom.upstreams.docker import client  # noqa: PLC0415 - see above

        with self._lock:
            if self._docker is None:
                self._docker = client()
            return self._docker
