"""Names and addresses as hosts.yaml has them, checked and in one form. Pure.

Each raises ConfigError that begins with the path to what is wrong.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from waitroom.errors import ConfigError
from waitroom.registry.hosts import normalise
from waitroom.registry.values import Network

# The names of our route files, routers and services end in these (traefik), so no host's may.
RESERVED_LABELS = ("asleep", "draining", "shadow", "tls", "waitroom")

# What is left of a file name's 255 bytes beside `.`, `.draining.yml` and `.tmp`, and some to spare.
_LONGEST_NAME = 230


def hostname(name: str, path: str) -> str:
    """Return the canonical form of a hostname."""
    canonical = normalise(name)
    if canonical is None:
        raise ConfigError(f"{path}: {name!r} is not a hostname (no wildcards, no scheme, no path)")
    if canonical.rpartition(".")[2] in RESERVED_LABELS:
        raise ConfigError(
            f"{path}: a name can't end in {' or '.join(RESERVED_LABELS)}, which mark our routes"
        )
    return canonical


def of_file(canonical: str, path: str) -> str:
    """Return a name that files can be named by."""
    if len(canonical) > _LONGEST_NAME:
        raise ConfigError(
            f"{path}: {len(canonical)} characters; files are named so, {_LONGEST_NAME} are possible"
        )
    return canonical


def network(text: str, path: str) -> Network:
    """Return a network."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; expected a network such as 10.0.0.0/8") from None


def app_url(url: str | None, path: str) -> str:
    """Return the address of an app, without a trailing slash."""
    if url is None:
        raise ConfigError(f"{path}: is missing; where does the app answer? e.g. http://demo-app:80")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{path}: {error}, in {url!r}; expected http://NAME:PORT") from None
    bare = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    named = parts.hostname and is_place(parts.hostname) and port != 0
    if parts.scheme not in ("http", "https") or not named or not bare:
        raise ConfigError(f"{path}: expected http://NAME:PORT or https://NAME:PORT, got {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def leads_somewhere(url: str) -> bool:
    """Whether a URL has a host, and no port but one that there is."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and is_place(parts.hostname)) and parts.port != 0
    except ValueError:
        return False


def is_place(name: str) -> bool:
    """Whether this is a hostname or an address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return normalise(name) is not None
    return True
