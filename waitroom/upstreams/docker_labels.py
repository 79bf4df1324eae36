"""The containers that announce themselves by labels, as the Docker engine tells of them.

One list, then the stream of events: nothing is asked again and again. Both ask for containers with
our label only, and the socket proxy admits no other question (`socket_proxy`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import docker
from docker.types.daemon import CancellableStream

from waitroom.errors import Reason, UpstreamError
from waitroom.labels.discovery import Change, Listed
from waitroom.labels.labels import (
    EVENTS_FILTER,
    LIST_FILTER,
    Container,
    is_enabled,
    needs_ports,
    only_read,
)
from waitroom.upstreams.docker import asking, client

_WHAT = "containers with labels"


class Labelled:
    """The engine, asked for them. Implements discovery.Engine."""

    def __init__(self, connect: Callable[[], docker.DockerClient] = client) -> None:
        self._connect = connect
        self._client: docker.DockerClient | None = None
        self._ports: dict[str, tuple[int, ...]] = {}  # by id, for whose life they stand

    def all(self) -> dict[str, Listed]:
        """List them by id. Raises: UpstreamError."""
        with asking(_WHAT):
            listed = self._api().containers(all=True, filters=LIST_FILTER)
        found = {one["Id"]: one for one in listed if is_enabled(one["Labels"]) and one["Names"]}
        self._ports = {key: ports for key, ports in self._ports.items() if key in found}
        return {
            key: Listed(container, one["State"])
            for key, one in found.items()
            if (container := self._listed(key, one)) is not None
        }

    def _listed(self, key: str, one: Mapping[str, Any]) -> Container | None:
        """Read one of the list, which has no ports of a container that is stopped."""
        if key not in self._ports and needs_ports(one["Labels"]):
            return self.one(key)
        # A container that another links to has a name below that one's, too.
        name = min(one["Names"], key=lambda name: name.count("/"))
        return _container(name, one["Labels"], self._ports.get(key, ()))

    def one(self, key: str) -> Container | None:
        """Inspect one by its id; None if it is gone, or is not enabled. Raises: UpstreamError."""
        try:
            with asking(f"container {key!r}"):
                found = self._api().inspect_container(key)
        except UpstreamError as error:
            if error.reason is Reason.MISSING:
                return None
            raise
        config = found["Config"]
        labels = config.get("Labels") or {}
        if needs_ports(labels):
            self._ports[key] = _ports(config.get("ExposedPorts") or {})
        if not is_enabled(labels):
            return None
        return _container(found["Name"], labels, self._ports.get(key, ()))

    def changes(self, since_s: int) -> _Changes:
        """Follow what happens to them, from a moment (Unix time) on. Raises: UpstreamError."""
        with asking(_WHAT):
            return _Changes(self._api().events(since=since_s, filters=EVENTS_FILTER, decode=True))

    def _api(self) -> docker.APIClient:
        if self._client is None:
            self._client = self._connect()
        return self._client.api


class _Changes:
    def __init__(self, stream: CancellableStream[dict[str, Any]]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Change]:
        with asking(_WHAT):
            for event in self._stream:
                actor = event["Actor"]
                name = actor["Attributes"].get("name", "")
                yield Change(actor["ID"], name, gone=event["Action"] == "destroy")

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it has ended by itself
            self._stream.close()


def _container(name: str, labels: Mapping[str, str], ports: tuple[int, ...]) -> Container:
    return Container(name.removeprefix("/"), only_read(labels), ports)


def _ports(exposed: Mapping[str, object]) -> tuple[int, ...]:
    """Read `{"80/tcp": {}}`."""
    return tuple(
        sorted(
            int(port) for port, _, kind in (key.partition("/") for key in exposed) if kind == "tcp"
        )
    )
