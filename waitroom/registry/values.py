"""Values of hosts.yaml as people write them, each checked by its type. Pure."""

from __future__ import annotations

import enum
import ipaddress
import re
from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


def got(value: object) -> str:
    """Return the end of a fault that shows a value; of a list or mapping it would have no end."""
    return "" if isinstance(value, list | dict) else f", got {value!r}"


class Duration(timedelta):
    """A time span as people write it: `90s`, `30m`, `1h30m`, `2d`; always longer than nothing."""

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read such a text. Raises: ValueError with an example."""
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        days, hours, minutes, seconds = (
            (int(part or 0) for part in match.groups("0")) if match else (0,) * 4
        )
        span = cls(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not span:
            raise ValueError(f"Expected a duration such as 90s, 30m, 1h30m or 2d{got(text)}")
        return span


class Sleep(enum.StrEnum):
    """How an upstream is put to sleep."""

    STOP = "stop"
    PAUSE = "pause"  # Docker: freezes the processes; memory stays, a wake takes milliseconds
    SUSPEND = "suspend"  # GCE: memory is written to disk


class Gate(enum.StrEnum):
    """Who may wake a host."""

    VISIT = "visit"  # a browser that shows the page and runs its script
    CLICK = "click"  # a person who presses the button
    CHESS = "chess"  # a person who finds the mate in one
    OPEN = "open"  # any request, for trusted networks
    CLOSED = "closed"  # nobody but who has a token, and its operators


class Route(enum.StrEnum):
    """Who defines the host's router in Traefik."""

    OURS = "ours"  # the waiting room writes HOST.yml
    OWN = "own"  # it exists elsewhere (labels, another file) and is only shadowed


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of hosts.yaml: unknown keys are faults."""


# Docker's own rule for names; anything else could reach another path of its API.
ContainerName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\Z")]
GceName = Annotated[str, Meta(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")]
# What the system can take as an argument: not empty, no NUL, nothing that has no bytes.
Argument = Annotated[str, Meta(pattern=r"^[^\x00\ud800-\udfff]+\Z")]
Argv = Annotated[tuple[Argument, ...], Meta(min_length=1)]
UrlPath = Annotated[str, Meta(pattern=r"^/[^\s#\ud800-\udfff]*\Z")]
Status = Annotated[int, Meta(ge=100, le=599)]
Count = Annotated[int, Meta(ge=1)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]  # SHA-256
Effort = Annotated[int, Meta(ge=1, le=100_000)]  # keys to derive, see proof_of_work
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Cost = Annotated[float, Meta(ge=0, le=1e9)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]  # ISO 4217


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address, or None. IPv4 as a socket for both tells it (`::ffff:192.0.2.1`) is IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
