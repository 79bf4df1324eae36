"""The keys of a host: their shape, as README's table has them, and the way from them to a Host.

Pure but for the logo that `page:` names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from waitroom.errors import ConfigError
from waitroom.registry.convert import convert
from waitroom.registry.hosts import Budget, Counting, Front, Host, OwnRouter, Ready, normalise
from waitroom.registry.named import CommandUpstream, DockerUpstream, GceUpstream
from waitroom.registry.page_keys import PageKeys, branding, known_language
from waitroom.registry.places import app_url, hostname, network, of_file
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


def read_host(name: str, raw: object, gce: Gce | None, folder: Path, path: str) -> Host:
    """Check what is written under a name, and read what it names in the folder.

    Raises: ConfigError that begins with path.
    """
    keys = convert(raw, HostKeys, path)
    parts = {"docker": keys.docker, "gce": keys.gce, "command": keys.command}
    given = {name: part for name, part in parts.items() if part is not None}
    if len(given) != 1:
        has = " and ".join(given) or "none"
        raise ConfigError(f"{path}: needs exactly one of {', '.join(parts)}; has {has}")
    _check_sleep(keys, path)
    if keys.docker and len(set(keys.docker.containers)) <= len(keys.docker.group):
        raise ConfigError(f"{path}.docker: one of its containers is given twice")
    canonical = of_file(hostname(name, path), path)
    [upstream] = given.values()
    return Host(
        name=canonical,
        aliases=tuple(hostname(a, f"{path}.aliases[{i}]") for i, a in enumerate(keys.aliases)),
        others=_others(keys, f"{path}.aliases"),
        upstream=_gce(upstream, keys, gce, path) if isinstance(upstream, GceKeys) else upstream,
        url=None if isinstance(upstream, GceKeys) else _own_url(keys, path),
        idle_after=keys.idle_after,
        gate=keys.gate,
        allow=tuple(network(n, f"{path}.allow[{i}]") for i, n in enumerate(keys.allow)),
        tokens=keys.tokens,
        work=keys.work,
        traps=keys.traps,
        budget=keys.budget,
        sleep=keys.sleep,
        route=keys.route,
        traefik=_own_router(keys, path),
        ready=keys.ready,
        activity=keys.activity,
        cost_per_hour=keys.cost_per_hour,
        currency=keys.currency,
        awake=keys.awake,
        closed=keys.closed,
        lang=known_language(keys.lang, f"{path}.lang") if keys.lang else None,
        page=branding(keys.page, folder, f"{path}.page"),
    )


def _others(keys: HostKeys, path: str) -> tuple[Front, ...]:
    """Return the aliases that have a url of their own, by their url."""
    fronts: dict[str, tuple[str, ...]] = {}
    for name, url in keys.aliases.items() if isinstance(keys.aliases, dict) else ():
        if url is None:
            continue
        if keys.gce:
            raise ConfigError(f"{path}.{name!r}: the apps of a VM have one address; give no url")
        at = f"{path}.{name!r}"
        there = app_url(url, at)
        fronts[there] = (*fronts.get(there, ()), of_file(hostname(name, at), at))
    return tuple(Front(names, url) for url, names in fronts.items())


def _own_url(keys: HostKeys, path: str) -> str:
    for key in ("port", "address"):
        if getattr(keys, key) is not None:
            raise ConfigError(f"{path}.{key}: is for a VM of gce; this upstream has its url")
    return app_url(keys.url, f"{path}.url")


def _own_router(keys: HostKeys, path: str) -> OwnRouter:
    if keys.traefik.entry_points and keys.route is not Route.OWN:
        raise ConfigError(f"{path}.traefik: is for a router of its own; say `route: own`")
    return keys.traefik


def _check_sleep(keys: HostKeys, path: str) -> None:
    possible = {Sleep.STOP}
    if keys.docker:
        possible.add(Sleep.PAUSE)
    if keys.gce:
        possible.add(Sleep.SUSPEND)
    if keys.sleep not in possible:
        known = " or ".join(sorted(possible))
        raise ConfigError(f"{path}.sleep: this upstream can {known}, not {keys.sleep.value}")


def _gce(vm: GceKeys, keys: HostKeys, gce: Gce | None, path: str) -> GceUpstream:
    if gce is None:
        raise ConfigError(f"{path}.gce: the file needs `gce: {{project: …}}` at its top")
    if vm.project not in (None, gce.project):
        raise ConfigError(
            f"{path}.gce.project: only one project for the whole file, {gce.project!r};"
            f" {vm.project!r} is another"
        )
    if keys.url is not None:
        raise ConfigError(f"{path}.url: a VM's address is asked from GCE; give `port` instead")
    if keys.port is None:
        raise ConfigError(f"{path}.port: is missing; on which port of the VM does the app answer?")
    address = normalise(keys.address or "internal")
    if address is None:
        raise ConfigError(
            f"{path}.address: expected internal, external, or a name that leads to the VM,"
            f" got {keys.address!r}"
        )
    key, _, value = (gce.require_label or "").partition("=")
    return GceUpstream(
        project=gce.project,
        zone=vm.zone,
        instance=vm.instance,
        port=keys.port,
        address=address,
        require_label=(key, value) if key else None,
    )
