"""Open TCP connections, as seen in the network namespace that we share with Traefik.

WebSockets, downloads and slow requests have no log line before they end; their connection from
Traefik to the upstream is all there is to see of them.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import psutil

from waitroom.errors import WaitroomError

Address = tuple[str, int]


def established(url: str) -> int:
    """Return how many connections to the address behind a url are established now.

    Raises: WaitroomError when that can't be told.
    """
    return sum(state == psutil.CONN_ESTABLISHED for _, state in to(url))


def to(url: str) -> list[tuple[Address, str]]:
    """Return the local end and the state of each connection to the address behind a url.

    Raises: WaitroomError when that can't be told.
    """
    wanted = _addresses(url)
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError) as error:
        raise WaitroomError(f"the open connections can't be listed: {error}") from error
    return [
        ((connection.laddr.ip, connection.laddr.port), connection.status)
        for connection in connections
        if connection.laddr
        and connection.raddr
        and (_plain(connection.raddr.ip), connection.raddr.port) in wanted
    ]


def has_network() -> bool:
    """Whether there is any interface but loopback; none once the namespace's owner has ended."""
    # Asked at each look, and psutil's answer takes half a millisecond, eight times as long.
    return any(name != "lo" for _, name in socket.if_nameindex())


def _addresses(url: str) -> set[Address]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WaitroomError(f"{parts.hostname}: its address can't be found: {error}") from error
    return {(_plain(str(address[0])), port) for *_, address in found}


def _plain(ip: str) -> str:
    """Write an IPv4 address that came in IPv6 clothes (::ffff:10.0.0.1) as itself."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
