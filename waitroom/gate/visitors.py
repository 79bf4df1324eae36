"""Visitors as pseudonyms: enough to tell two apart for a day, nothing that leads back to one.

HMAC(salt, host, network), the network being the IPv4 /24 or IPv6 /64. The salt is random, lives in
memory and is new each day, so nobody, the operator included, can find the address behind it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from datetime import date

from waitroom.registry import values
from waitroom.registry.values import Network


class Pseudonyms:
    """Names visitors. `today` comes in, so that the change of day can be seen in a test."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._salt = b""

    def name(self, host: str, address: str, today: date) -> str:
        """Return the pseudonym of a visitor's address on a host for today."""
        if today != self._day:
            self._day, self._salt = today, secrets.token_bytes(32)
        message = f"{host} {_network(address)}".encode()
        return hmac.new(self._salt, message, hashlib.sha256).hexdigest()[:16]


def visitor_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the right-most address of X-Forwarded-For that is no trusted proxy's.

    Only a trusted peer's header is believed: a client can write anything into it.
    """
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    for address in (peer, *reversed(hops)):
        if not _is_trusted(address, trusted):
            return address
    return peer


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    ip = values.address(address)
    return ip is not None and any(ip in network for network in trusted)


def _network(address: str) -> str:
    ip = values.address(address)
    if ip is None:
        return "unknown"
    prefix = 24 if ip.version == 4 else 64  # noqa: PLR2004 - the IP version's own number
    return str(ipaddress.ip_network((ip, prefix), strict=False))
