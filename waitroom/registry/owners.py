"""Which host has a name, a container or a VM: each of them has one. Pure."""

from __future__ import annotations

from waitroom.registry.hosts import Host
from waitroom.registry.named import DockerUpstream, Upstream


class Owners:
    """Looked up, not compared: 10,000 hosts are 50 million pairs."""

    def __init__(self) -> None:
        self._by_name: dict[str, Host] = {}
        self._by_part: dict[object, Host] = {}

    def add(self, host: Host) -> None:
        """Let it have its names and its upstream; what another has stays with that one."""
        for name in host.names:
            self._by_name.setdefault(name, host)
        for part in _parts(host.upstream):
            self._by_part.setdefault(part, host)

    def of_name(self, name: str) -> Host | None:
        """Return the host with this name, if there is one."""
        return self._by_name.get(name)

    def of_upstream(self, upstream: Upstream) -> tuple[str, Host] | None:
        """Return what of it another host has already, in words, and that host."""
        for part in _parts(upstream):
            if owner := self._by_part.get(part):
                return (f"container {part}" if isinstance(part, str) else "upstream"), owner
        return None


def _parts(upstream: Upstream) -> tuple[object, ...]:
    """Return what only one host may put to sleep."""
    return upstream.containers if isinstance(upstream, DockerUpstream) else (upstream,)
