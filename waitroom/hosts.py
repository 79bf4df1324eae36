"""The registry: which hostname leads to which upstream, and the rules that hold for it.

Pure: values only. `document` makes them from hosts.yaml.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import idna
from msgspec import Meta, Struct

from waitroom.branding import Branding
from waitroom.windows import Windows

_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


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
            raise ValueError(f"Expected a duration such as 90s, 30m, 1h30m or 2d, got {text!r}")
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
ContainerName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
GceName = Annotated[str, Meta(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
# What the system can take as an argument: not empty, no NUL, nothing that has no bytes.
Argument = Annotated[str, Meta(pattern=r"^[^\x00\ud800-\udfff]+\Z")]
Argv = Annotated[tuple[Argument, ...], Meta(min_length=1)]
UrlPath = Annotated[str, Meta(pattern=r"^/[^\s#\ud800-\udfff]*$")]
Status = Annotated[int, Meta(ge=100, le=599)]
Count = Annotated[int, Meta(ge=1)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]  # SHA-256
Effort = Annotated[int, Meta(ge=1, le=100_000)]  # keys to derive, see proof_of_work
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Cost = Annotated[float, Meta(ge=0, le=1e9)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]  # ISO 4217


class DockerUpstream(Part, frozen=True):
    """A container, by name or id."""

    container: ContainerName


@dataclass(frozen=True, slots=True, kw_only=True)
class GceUpstream:
    """A Compute Engine VM. Two are the same if they name the same VM, whatever else differs."""

    project: str
    zone: str
    instance: str
    port: int = field(compare=False)  # the app's, on the VM
    address: str = field(compare=False)  # internal, external, or a name that leads to the VM
    require_label: tuple[str, str] | None = field(compare=False)  # the VM must have it: key, value


class CommandUpstream(Part, frozen=True):
    """Anything with commands: argv lists, run without a shell. `status` exits 0 when it runs."""

    start: Argv
    stop: Argv
    status: Argv
    timeout: Duration = Duration(seconds=30)  # for each of the three


Upstream = DockerUpstream | GceUpstream | CommandUpstream


class Ready(Part, frozen=True):
    """When an app counts as answering: a real HTTP request of the waiting room to it."""

    path: UrlPath = "/"
    status: Status | tuple[Status, ...] | None = None  # None: any answer below 500
    timeout: Duration = Duration(minutes=5)  # from start to first good answer; then: failed

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status means that the app is there."""
        if self.status is None:
            return status < 500  # noqa: PLR2004 - HTTP's own border
        return status in (self.status if isinstance(self.status, tuple) else (self.status,))


class Counting(Part, frozen=True):
    """What of a host's traffic counts as use; everything else is only counted as requests."""

    ignore_paths: tuple[str, ...] = ()  # path prefixes, where the log keeps the path
    ignore_agents: tuple[str, ...] = ()  # parts of user agents, where the log keeps them
    count_statuses: tuple[Annotated[int, Meta(ge=0, le=599)], ...] | None = None


class Budget(Part, frozen=True):
    """How much waking of one host is paid for in any 24 hours."""

    wakes_per_day: Count = 48  # one each idle_after of 30 minutes
    awake_per_day: Duration | None = None  # None: no bound but the wakes
    pause: Duration | None = None  # from one wake to the next
    unproven_per_day: Count = 12  # of the wakes, by visitors who did nothing for it but wait
    wakes_per_visitor: Count = 24  # of the wakes, by one visitor's network


class TotalBudget(Part, frozen=True):
    """How much waking of all hosts together is paid for."""

    wakes_per_day: Count = 480
    wakes_at_once: Count = 16


class Webhook(Part, frozen=True):
    """Where events are sent on to."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    kinds: tuple[str, ...] = ()  # of the events; none: all
    secret_file: str | None = None  # signs each, so that the receiver knows whose it is


@dataclass(frozen=True, slots=True)
class Host:
    """One registered host; every field is checked."""

    name: str  # canonical: lower case, no port, no trailing dot, IDN as punycode
    aliases: tuple[str, ...]  # more names of the same upstream, canonical too
    upstream: Upstream
    url: str | None  # where the app answers, without a trailing slash; None: known after a start
    idle_after: Duration
    gate: Gate
    allow: tuple[Network, ...]  # no challenge is asked for from there
    tokens: tuple[Digest, ...]  # of those that wake it as Authorization: Bearer
    work: Effort
    traps: bool
    budget: Budget
    sleep: Sleep
    route: Route
    ready: Ready
    activity: Counting
    cost_per_hour: float | None  # of the upstream while it is awake; only the audit asks
    currency: str
    awake: Windows  # it is woken before they open, and does not sleep in them
    closed: Windows  # no visitor wakes it in them
    lang: str | None  # the page's language; None: the visitor's
    page: Branding

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that leads here, the canonical one first."""
        return (self.name, *self.aliases)


class Registry:
    """All hosts, found by any name that a client may write for them. Immutable."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        webhooks: tuple[Webhook, ...] = (),
        budget: TotalBudget = TotalBudget(),  # noqa: B008 - it is frozen
        *,
        refused: tuple[str, ...] = (),
    ) -> None:
        self.hosts = hosts
        self.webhooks = webhooks
        self.budget = budget  # of all hosts together
        self.refused = refused  # what containers announce and can't be taken in, a line each
        self._by_name = {name: host for host in hosts.values() for name in host.names}

    def find(self, name: str) -> Host | None:
        """Return the host behind a Host header or a logged RequestHost, or None."""
        return self._by_name.get(name) or self._by_name.get(normalise(name) or "")


def normalise(name: str) -> str | None:
    """Return the canonical form of a hostname as a client writes it, or None if it is none.

    Case, port, one trailing dot and international spelling make no difference (UTS 46).
    """
    name = name.strip()
    if name.rpartition(":")[2].isdigit():
        name = name.rpartition(":")[0]
    name = name.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    fits = len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))  # noqa: PLR2004 - RFC 1035
    return name if fits else None
