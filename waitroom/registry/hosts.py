"""The registry: which hostname leads to which upstream, and the rules that hold for it.

Pure: values only. `document` makes them from hosts.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import idna
from msgspec import Meta

from waitroom.kinds import Kind
from waitroom.registry.branding import Branding
from waitroom.registry.named import Upstream
from waitroom.registry.values import (
    Count,
    Digest,
    Duration,
    Effort,
    Gate,
    Network,
    Part,
    Route,
    Sleep,
    Status,
    UrlPath,
)
from waitroom.registry.windows import Windows

# Beside what a wake may take: an opening is looked for every ten seconds, and a wake that nobody
# has seen yet is begun a minute before.
_WOKEN_BEFORE = timedelta(seconds=90)
# What is empty would fit every request, and no use be seen.
_Text = Annotated[str, Meta(min_length=1)]
_Counted = Annotated[int, Meta(ge=0, le=599)]  # 0: a WebSocket
_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")


class Ready(Part, frozen=True):
    """When an app counts as answering: a real HTTP request of the waiting room to it."""

    path: UrlPath = "/"
    status: Status | Annotated[tuple[Status, ...], Meta(min_length=1)] | None = None  # None: < 500
    timeout: Duration = Duration(minutes=5)  # from start to first good answer; then: failed

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status means that the app is there."""
        if self.status is None:
            return status < 500  # noqa: PLR2004 - HTTP's own border
        return status in (self.status if isinstance(self.status, tuple) else (self.status,))


class OwnRouter(Part, frozen=True):
    """What must be known of a host's router that is not ours."""

    # Beside those that a router has by default (`asDefault`).
    entry_points: tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z")], ...] = ()


class Counting(Part, frozen=True):
    """What of a host's traffic counts as use; everything else is only counted as requests."""

    ignore_paths: tuple[_Text, ...] = ()  # path prefixes, where the log keeps the path
    ignore_agents: tuple[_Text, ...] = ()  # parts of user agents, where the log keeps them
    count_statuses: Annotated[tuple[_Counted, ...], Meta(min_length=1)] | None = None


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

    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+\Z")]
    kinds: tuple[Kind, ...] = ()  # of the events; none: all
    secret_file: str | None = None  # signs each, so that the receiver knows whose it is


@dataclass(frozen=True, slots=True)
class Front:
    """Names of a host that lead to one address."""

    names: tuple[str, ...]
    url: str | None  # without a trailing slash; None: known after a start


@dataclass(frozen=True, slots=True)
class Host:
    """One registered host; every field is checked."""

    name: str  # canonical: lower case, no port, no trailing dot, IDN as punycode
    aliases: tuple[str, ...]  # more names of the same upstream, canonical too
    others: tuple[Front, ...]  # those of them at which another app of its group answers
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
    traefik: OwnRouter
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

    def awake_until(self, now: datetime) -> datetime | None:
        """Return until when its windows keep it awake, or None if none does.

        One that opens soon does already: what was woken for it must not sleep again before.
        """
        opens = self.awake.next_opening(now)
        if opens and opens - now <= self.ready.timeout + _WOKEN_BEFORE:
            return self.awake.until(opens)
        return self.awake.until(now)

    @property
    def fronts(self) -> tuple[Front, ...]:
        """All of its apps, each with the names that lead to it; the host's own first."""
        elsewhere = {name for front in self.others for name in front.names}
        own = tuple(name for name in self.names if name not in elsewhere)
        return (Front(own, self.url), *self.others)


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
    before, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        name = before
    name = name.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    fits = len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))  # noqa: PLR2004 - RFC 1035
    return name if fits else None
