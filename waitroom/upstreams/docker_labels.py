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

from waitroom.discovery import Change
from waitroom.errors import Reason, UpstreamError
from waitroom.labels import EVENTS_FILTER, LIST_FILTER, Container, is_enabled, only_read
from waitroom.upstreams.docker import asking, client

_WHAT = "containers with labels"


class Labelled:
    """The engine, asked for them. Implements discovery.Engine."""

    def __init__(self, connect: Callable[[], docker.DockerClient] = client) -> None:
        self._connect = connect
        self._client: docker.DockerClient | None = None
        self._ports: dict[str, tuple[int, ...]] = {}  # by id, for whose life they stand

    def all(self) -> dict[str, Container]:
        """List them by id. Raises: UpstreamError."""
        with asking(_WHAT):
            listed = self._api().containers(all=True, filters=LIST_FILTER)
        found = {one["Id"]: one for one in listed if is_enabled(one["Labels"]) and one["Names"]}
        self._ports = {key: ports for key, ports in self._ports.items() if key in found}
        containers = {}
        for key, one in found.items():
            if key not in self._ports and self.one(key) is None:
                continue  # gone meanwhile
            containers[key] = _container(one["Names"][0], one["Labels"], self._ports[key])
        return containers

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
        # The list has no ports of a container that is stopped.
        self._ports[key] = _ports(config.get("ExposedPorts") or {})
        labels = config.get("Labels") or {}
        return _container(found["Name"], labels, self._ports[key]) if is_enabled(labels) else None

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
