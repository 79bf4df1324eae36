"""The keys of hosts.yaml: its shapes, as they are written. README has them as a table. Pure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from waitroom.registry.hosts import Budget, Counting, OwnRouter, Ready, TotalBudget, Webhook
from waitroom.registry.named import CommandUpstream, DockerUpstream
from waitroom.registry.page_keys import PageKeys
from waitroom.registry.values import (
    Cost,
    Currency,
    Digest,
    Duration,
    Effort,
    Gate,
    GceName,
    Part,
    Route,
    Sleep,
)
from waitroom.registry.windows import Windows


class Defaults(Part, frozen=True):
    """Keys that `defaults:` may set for all hosts."""

    idle_after: Duration = Duration(minutes=30)
    gate: Gate = Gate.VISIT
    allow: tuple[str, ...] = ()
    tokens: tuple[Digest, ...] = ()
    work: Effort = 1000
    traps: bool = True
    budget: Budget = Budget()
    sleep: Sleep = Sleep.STOP
    route: Route = Route.OURS
    ready: Ready = Ready()
    activity: Counting = Counting()
    cost_per_hour: Cost | None = None
    currency: Currency = "USD"
    awake: Windows = Windows()
    closed: Windows = Windows()
    lang: str | None = None
    page: PageKeys = PageKeys()


class GceKeys(Part, frozen=True):
    """Which VM, in the file's one project."""

    instance: GceName
    zone: GceName
    project: str | None = None  # may repeat the file's project, never name another


class HostKeys(Defaults, frozen=True, kw_only=True):
    """Keys of one host as written."""

    docker: DockerUpstream | None = None
    gce: GceKeys | None = None
    command: CommandUpstream | None = None
    url: str | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    address: str | None = None
    aliases: tuple[str, ...] | dict[str, str | None] = ()  # with the url of another app of it
    traefik: OwnRouter = OwnRouter()


class Gce(Part, frozen=True):
    """The one project of all VMs."""

    project: Annotated[str, Meta(pattern=r"^[a-z][-a-z0-9:.]{4,61}[a-z0-9]\Z")]
    # Google's rule for labels, less strict about which letters.
    require_label: Annotated[str, Meta(pattern=r"^[^=\s]{1,63}=[^=\s]{0,63}\Z")] | None = None


class File(Part, frozen=True, kw_only=True):
    """The whole of it; hosts and defaults are checked one by one."""

    hosts: dict[str, Any]
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)
    gce: Gce | None = None
    budget: TotalBudget = TotalBudget()
    webhooks: tuple[Webhook, ...] = ()
