"""From the decoded hosts.yaml to the registry, or to every fault with the path to it.

Pure but for the logos that it names: `config` reads the file. The whole document is checked, so
that a bad edit is mended in one go. The shapes below are the format; README has it as a table.
"""

from __future__ import annotations

import difflib
import enum
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from waitroom.announcements import admit
from waitroom.errors import ConfigError
from waitroom.hosts import (
    Budget,
    CommandUpstream,
    Cost,
    Counting,
    Currency,
    Digest,
    DockerUpstream,
    Duration,
    Effort,
    Gate,
    GceName,
    GceUpstream,
    Host,
    Network,
    Part,
    Ready,
    Registry,
    Route,
    Sleep,
    TotalBudget,
    Webhook,
    normalise,
)
from waitroom.labels import Announced, Container
from waitroom.page_keys import PageKeys, branding, known_language
from waitroom.windows import Windows

# The names of our route files, routers and services end in these (traefik), so no host's may.
RESERVED_LABELS = ("asleep", "draining", "shadow", "tls", "waitroom")

# What is left of a file name's 255 bytes beside `.`, `.draining.yml` and `.tmp`, and some to spare.
_LONGEST_NAME = 230


class _Defaults(Part, frozen=True):
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


class _GceKeys(Part, frozen=True):
    """Which VM, in the file's one project."""

    instance: GceName
    zone: GceName
    project: str | None = None  # may repeat the file's project, never name another


class _HostKeys(_Defaults, frozen=True, kw_only=True):
    """Keys of one host as written."""

    docker: DockerUpstream | None = None
    gce: _GceKeys | None = None
    command: CommandUpstream | None = None
    url: str | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    address: str | None = None
    aliases: tuple[str, ...] = ()


class _Gce(Part, frozen=True):
    project: Annotated[str, Meta(pattern=r"^[a-z][-a-z0-9:.]{4,61}[a-z0-9]$")]
    # Google's rule for labels, less strict about which letters.
    require_label: Annotated[str, Meta(pattern=r"^[^=\s]{1,63}=[^=\s]{0,63}$")] | None = None


class _File(Part, frozen=True, kw_only=True):
    hosts: dict[str, Any]
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)
    gce: _Gce | None = None
    budget: TotalBudget = TotalBudget()
    webhooks: tuple[Webhook, ...] = ()


def parse(
    document: object, folder: Path = Path(), containers: Iterable[Container] = ()
) -> Registry:
    """Turn the decoded hosts.yaml, and what containers announce besides, into a registry.

    The files that it names are in `folder`.

    Raises: ConfigError whose text has one line a fault, each with its path
    (`hosts.'app.localhost'.idle_after: …`).
    """
    file = _convert(document, _File, "")
    _convert(file.defaults, _Defaults, "defaults")
    faults: list[str] = []
    hosts: dict[str, Host] = {}
    for name, keys in file.hosts.items():
        try:
            whole = _overlay(file.defaults, keys)
            host = _host(name, whole, file.gce, folder, f"hosts.{name!r}")
        except ConfigError as error:
            faults.append(str(error))
        else:
            faults += _clashes(host, hosts.values())
            hosts[host.name] = host
    if faults:
        raise ConfigError("\n".join(faults))

    def announce(found: Announced) -> Host:
        keys = _overlay(file.defaults, found.keys)
        return _host(found.host, keys, file.gce, folder, f"container {found.container}: waitroom")

    taken, refused = admit(containers, hosts, announce)
    return Registry({**hosts, **taken}, file.webhooks, file.budget, refused=refused)


def _overlay(defaults: dict[str, Any], keys: object) -> object:
    """Lay a host's own keys over the defaults; what is no mapping is left for the check to say."""
    if not isinstance(keys, dict):
        return keys
    pages = (defaults.get("page"), keys.get("page"))
    # A host that has its own title keeps the logo and the colour of the house.
    both = all(isinstance(page, dict) for page in pages)
    return {**defaults, **keys, **({"page": {**pages[0], **pages[1]}} if both else {})}  # type: ignore[dict-item]  # `both` says that they are


def _host(name: str, raw: object, gce: _Gce | None, folder: Path, path: str) -> Host:
    keys = _convert(raw, _HostKeys, path)
    given = [part for part in (keys.docker, keys.gce, keys.command) if part is not None]
    if len(given) != 1:
        raise ConfigError(f"{path}: needs exactly one of docker, gce, command; has {len(given)}")
    _check_sleep(keys, path)
    canonical = _hostname(name, path)
    if len(canonical) > _LONGEST_NAME:
        raise ConfigError(
            f"{path}: {len(canonical)} characters; files are named so, {_LONGEST_NAME} are possible"
        )
    upstream = given[0]
    return Host(
        name=canonical,
        aliases=tuple(_hostname(a, f"{path}.aliases[{i}]") for i, a in enumerate(keys.aliases)),
        upstream=_gce(upstream, keys, gce, path) if isinstance(upstream, _GceKeys) else upstream,
        url=None if isinstance(upstream, _GceKeys) else _own_url(keys, path),
        idle_after=keys.idle_after,
        gate=keys.gate,
        allow=tuple(_network(n, f"{path}.allow[{i}]") for i, n in enumerate(keys.allow)),
        tokens=keys.tokens,
        work=keys.work,
        traps=keys.traps,
        budget=keys.budget,
        sleep=keys.sleep,
        route=keys.route,
        ready=keys.ready,
        activity=keys.activity,
        cost_per_hour=keys.cost_per_hour,
        currency=keys.currency,
        awake=keys.awake,
        closed=keys.closed,
        lang=known_language(keys.lang, f"{path}.lang") if keys.lang else None,
        page=branding(keys.page, folder, f"{path}.page"),
    )


def _hostname(name: str, path: str) -> str:
    canonical = normalise(name)
    if canonical is None:
        raise ConfigError(f"{path}: {name!r} is not a hostname (no wildcards, no scheme, no path)")
    if canonical.rpartition(".")[2] in RESERVED_LABELS:
        raise ConfigError(
            f"{path}: a name can't end in {' or '.join(RESERVED_LABELS)}, which mark our routes"
        )
    return canonical


def _network(text: str, path: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; expected a network such as 10.0.0.0/8") from None


def _own_url(keys: _HostKeys, path: str) -> str:
    for key in ("port", "address"):
        if getattr(keys, key) is not None:
            raise ConfigError(f"{path}.{key}: is for a VM of gce; this upstream has its url")
    return _url(keys.url, f"{path}.url")


def _url(url: str | None, path: str) -> str:
    if url is None:
        raise ConfigError(f"{path}: is missing; where does the app answer? e.g. http://demo-app:80")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{path}: {error}, in {url!r}") from None
    bare = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    named = parts.hostname and _is_place(parts.hostname) and port != 0
    if parts.scheme not in ("http", "https") or not named or not bare:
        raise ConfigError(f"{path}: expected http://NAME:PORT or https://NAME:PORT, got {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def _is_place(name: str) -> bool:
    """Whether this is a hostname or an address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return normalise(name) is not None
    return True


def _check_sleep(keys: _HostKeys, path: str) -> None:
    possible = {Sleep.STOP}
    if keys.docker:
        possible.add(Sleep.PAUSE)
    if keys.gce:
        possible.add(Sleep.SUSPEND)
    if keys.sleep not in possible:
        known = " or ".join(sorted(possible))
        raise ConfigError(f"{path}.sleep: this upstream can {known}, not {keys.sleep.value}")


def _gce(vm: _GceKeys, keys: _HostKeys, gce: _Gce | None, path: str) -> GceUpstream:
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


def _clashes(host: Host, others: Iterable[Host]) -> list[str]:
    path = f"hosts.{host.name!r}"
    faults = [
        f"{path}: the name {name!r} is given twice"
        for name in {n for n in host.names if host.names.count(n) > 1}
    ]
    for other in others:
        faults += [
            f"{path}: the name {name!r} belongs to hosts.{other.name!r} already"
            for name in host.names
            if name in other.names
        ]
        if host.upstream == other.upstream:
            faults.append(
                f"{path}: shares its upstream with hosts.{other.name!r}; one upstream has one host,"
                " give the second name as an alias"
            )
    return faults


_T = TypeVar("_T")


def _convert(raw: object, shape: type[_T], path: str) -> _T:
    """Check raw against a shape; a fault becomes a ConfigError with its path in our notation."""
    try:
        return msgspec.convert(raw, shape, dec_hook=_decode)
    except msgspec.ValidationError as error:
        fault, _, where = str(error).partition(" - at ")
        where = f"{path}{where.rpartition('$')[2].rstrip('`')}".lstrip(".")
        raise ConfigError(f"{where or 'hosts.yaml'}: {_plain(fault, shape, where)}") from None


def _decode(shape: type, value: object) -> object:
    if shape is Duration:
        return Duration.parse(value)
    if shape is Windows:
        return Windows.parse(value)
    raise NotImplementedError(shape)


_CHOICES: dict[str, type[enum.StrEnum]] = {"gate": Gate, "sleep": Sleep, "route": Route}


def _plain(fault: str, shape: type, where: str) -> str:
    """Say msgspec's fault in the words of somebody who edits a YAML file."""
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", fault)
    if unknown:
        known = _keys(shape)
        near = difflib.get_close_matches(unknown[1], known, n=1)
        return f"unknown key {unknown[1]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    value = re.fullmatch(r"Invalid enum value (.*)", fault)
    if value:
        return f"{value[1]} is none of {', '.join(_CHOICES[where.rpartition('.')[2]])}"
    return fault.replace("Object missing required field", "missing key").replace(
        "`object`", "a mapping"
    )


def _keys(shape: type) -> list[str]:
    """List the keys of a shape and of the mappings inside it, for a suggestion."""
    own = (_HostKeys, PageKeys, DockerUpstream, _GceKeys, CommandUpstream, Ready, Counting, Budget)
    shapes = own if shape is _HostKeys else (shape,)
    return [field.name for part in shapes for field in msgspec.structs.fields(part)]
