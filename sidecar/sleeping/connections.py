"""Open TCP connections, as seen in the network namespace that we share with Traefik.

WebSockets, downloads and slow requests have no log line before they end; their connection from
Traefik to the upstream is all there is to see of them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import psutil

from sidecar.sleeping import sock_diag
from sidecar.sleeping.sock_diag import Connection
from waitroom.errors import WaitroomError

_OPEN = (psutil.CONN_ESTABLISHED, psutil.CONN_SYN_SENT)


class NoAddress(WaitroomError):  # noqa: N818 - a state, not a fault
    """The name in a url has no address at the moment."""


def open_to(url: str) -> int:
    """Return how many connections to the address behind a url are open now, or being dialled.

    Raises: WaitroomError when that can't be told; of these NoAddress.
    """
    return sum(connection.is_open for connection in to(url))


def to(url: str) -> list[Connection]:
    """Return the connections to the address behind a url, whatever their state.

    Raises: WaitroomError when that can't be told.
    """
    addresses, port = _whereto(url)
    try:
        found = listed(port)
    except (psutil.Error, OSError) as error:
        raise WaitroomError(f"the open connections can't be listed: {error}") from error
    return [c for c in found if c.remote[1] == port and _plain(c.remote[0]) in addresses]


def listed(port: int, ask: Callable[[int], list[Connection]] = sock_diag.to) -> list[Connection]:
    """List at least the connections to a port; `ask`: who tells of these alone, if he may.

    Raises: psutil.Error, OSError.
    """
    try:
        return ask(port)
    except OSError:  # a kernel, or its guard, that does not let us (gVisor, SELinux)
        return [
            Connection(
                (connection.laddr.ip, connection.laddr.port),
                (connection.raddr.ip, connection.raddr.port),
                connection.status in _OPEN,
            )
            for connection in psutil.net_connections(kind="tcp")
            if connection.laddr and connection.raddr
        ]


def has_network() -> bool:
    """Whether there is any interface but loopback; none once the namespace's owner has ended."""
    # Asked at each look, and psutil's answer takes half a millisecond, eight times as long.
    return any(name != "lo" for _, name in socket.if_nameindex())


def _whereto(url: str) -> tuple[set[str], int]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoAddress(f"{parts.hostname}: its address can't be found: {error}") from error
    return {_plain(str(address[0])) for *_, address in found}, port


def _plain(ip: str) -> str:
    """Write an IPv4 address that came in IPv6 clothes (::ffff:10.0.0.1) as itself."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
