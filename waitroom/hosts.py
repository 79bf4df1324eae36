"""The registry: which hostname leads to which upstream, and the rules that hold for it.

Pure: values in, values out; `config` reads the file. `parse` checks the whole document and
reports every fault with the path to it, so that a bad edit is mended in one go.
"""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import idna
import msgspec
from msgspec import Meta, Struct

from waitroom.errors import ConfigError

# The names of the shadow files end in these (traefik.routes), so no host may.
RESERVED_LABELS = ("asleep", "draining")

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
    CLOSED = "closed"  # nobody from the page


class Route(enum.StrEnum):
    """Who defines the host's router in Traefik."""

    OURS = "ours"  # the waiting room writes HOST.yml
    OWN = "own"  # it exists elsewhere (labels, another file) and is only shadowed


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of hosts.yaml: unknown keys are faults."""


# Docker's own rule for names; anything else could reach another path of its API.
ContainerName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
GceName = Annotated[str, Meta(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
Argv = Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
UrlPath = Annotated[str, Meta(pattern=r"^/[^\s#]*$")]
Status = Annotated[int, Meta(ge=100, le=599)]


class DockerUpstream(_Part, frozen=True):
    """A container, by name or id."""

    container: ContainerName


class GceUpstream(_Part, frozen=True):
    """A Compute Engine VM in the file's one project."""

    instance: GceName
    zone: GceName
    project: str | None = None  # may repeat the file's project, never name another


class CommandUpstream(_Part, frozen=True):
    """Anything with commands: argv lists, run without a shell. `status` exits 0 when it runs."""

    start: Argv
    stop: Argv
    status: Argv
    timeout: Duration = Duration(seconds=30)  # for each of the three


Upstream = DockerUpstream | GceUpstream | CommandUpstream


class Ready(_Part, frozen=True):
    """When an app counts as answering: a real HTTP request of the waiting room to it."""

    path: UrlPath = "/"
    status: Status | tuple[Status, ...] | None = None  # None: any answer below 500
    timeout: Duration = Duration(minutes=5)  # from start to first good answer; then: failed

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status means that the app is there."""
        if self.status is None:
            return status < 500  # noqa: PLR2004 - HTTP's own border
        return status in (self.status if isinstance(self.status, tuple) else (self.status,))


class Counting(_Part, frozen=True):
    """What of a host's traffic counts as use; everything else is only counted as requests."""

    ignore_paths: tuple[str, ...] = ()  # path prefixes, where the log keeps the path
    ignore_agents: tuple[str, ...] = ()  # parts of user agents, where the log keeps them
    count_statuses: tuple[Annotated[int, Meta(ge=0, le=599)], ...] | None = None


class _Defaults(_Part, frozen=True):
    """Keys that `defaults:` may set for all hosts."""

    idle_after: Duration = Duration(minutes=30)
    gate: Gate = Gate.VISIT
    sleep: Sleep = Sleep.STOP
    route: Route = Route.OURS
    ready: Ready = Ready()
    activity: Counting = Counting()


class _HostKeys(_Defaults, frozen=True, kw_only=True):
    """Keys of one host as written."""

    docker: DockerUpstream | None = None
    gce: GceUpstream | None = None
    command: CommandUpstream | None = None
    url: str | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    aliases: tuple[str, ...] = ()


class _Gce(_Part, frozen=True):
    project: Annotated[str, Meta(pattern=r"^[a-z][-a-z0-9:.]{4,61}[a-z0-9]$")]


class _File(_Part, frozen=True, kw_only=True):
    hosts: dict[str, Any]
    defaults: dict[str, Any] = {}
    gce: _Gce | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One registered host; every field is checked."""

    name: str  # canonical: lower case, no port, no trailing dot, IDN as punycode
    aliases: tuple[str, ...]  # more names of the same upstream, canonical too
    upstream: Upstream
    url: str | None  # where the app answers, without a trailing slash; None: known after a start
    port: int | None  # with GCE: the app's port on the VM
    idle_after: Duration
    gate: Gate
    sleep: Sleep
    route: Route
    ready: Ready
    activity: Counting

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that leads here, the canonical one first."""
        return (self.name, *self.aliases)


class Registry:
    """All hosts, found by any name that a client may write for them. Immutable."""

    def __init__(self, hosts: Mapping[str, Host], gce_project: str | None = None) -> None:
        self.hosts = hosts
        self.gce_project = gce_project
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


def parse(document: object) -> Registry:
    """Turn the decoded hosts.yaml into a registry.

    Raises: ConfigError whose text has one line a fault, each with its path
    (`hosts.'app.localhost'.idle_after: …`).
    """
    file = _convert(document, _File, "")
    _convert(file.defaults, _Defaults, "defaults")
    faults: list[str] = []
    hosts: dict[str, Host] = {}
    for name, keys in file.hosts.items():
        try:
            host = _host(name, _overlay(file.defaults, keys), file.gce)
        except ConfigError as error:
            faults.append(str(error))
        else:
            faults += _clashes(host, hosts.values())
            hosts[host.name] = host
    if faults:
        raise ConfigError("\n".join(faults))
    return Registry(hosts, file.gce.project if file.gce else None)


def _overlay(defaults: dict[str, Any], keys: object) -> object:
    """Lay a host's own keys over the defaults; what is no mapping is left for the check to say."""
    return {**defaults, **keys} if isinstance(keys, dict) else keys


def _host(name: str, raw: object, gce: _Gce | None) -> Host:
    path = f"hosts.{name!r}"
    keys = _convert(raw, _HostKeys, path)
    given = [part for part in (keys.docker, keys.gce, keys.command) if part is not None]
    if len(given) != 1:
        raise ConfigError(f"{path}: needs exactly one of docker, gce, command; has {len(given)}")
    upstream = given[0]
    _check_sleep(keys, path)
    if isinstance(upstream, GceUpstream):
        _check_gce(upstream, keys, gce, path)
    return Host(
        name=_hostname(name, path),
        aliases=tuple(_hostname(a, f"{path}.aliases[{i}]") for i, a in enumerate(keys.aliases)),
        upstream=upstream,
        url=None if isinstance(upstream, GceUpstream) else _url(keys.url, f"{path}.url"),
        port=keys.port,
        idle_after=keys.idle_after,
        gate=keys.gate,
        sleep=keys.sleep,
        route=keys.route,
        ready=keys.ready,
        activity=keys.activity,
    )


def _hostname(name: str, path: str) -> str:
    canonical = normalise(name)
    if canonical is None:
        raise ConfigError(f"{path}: {name!r} is not a hostname (no wildcards, no scheme, no path)")
    if canonical.rpartition(".")[2] in RESERVED_LABELS:
        raise ConfigError(
            f"{path}: a name can't end in {' or '.join(RESERVED_LABELS)}, which mark route files"
        )
    return canonical


def _url(url: str | None, path: str) -> str:
    if url is None:
        raise ConfigError(f"{path}: is missing; where does the app answer? e.g. http://demo-app:80")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"{path}: {error}, in {url!r}") from None
    bare = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
        raise ConfigError(f"{path}: expected http://NAME:PORT or https://NAME:PORT, got {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def _check_sleep(keys: _HostKeys, path: str) -> None:
    possible = {Sleep.STOP}
    if keys.docker:
        possible.add(Sleep.PAUSE)
    if keys.gce:
        possible.add(Sleep.SUSPEND)
    if keys.sleep not in possible:
        known = " or ".join(sorted(possible))
        raise ConfigError(f"{path}.sleep: this upstream can {known}, not {keys.sleep.value}")


def _check_gce(upstream: GceUpstream, keys: _HostKeys, gce: _Gce | None, path: str) -> None:
    if gce is None:
        raise ConfigError(f"{path}.gce: the file needs `gce: {{project: …}}` at its top")
    if upstream.project not in (None, gce.project):
        raise ConfigError(
            f"{path}.gce.project: only one project for the whole file, {gce.project!r};"
            f" {upstream.project!r} is another"
        )
    if keys.url is not None:
        raise ConfigError(f"{path}.url: a VM's address is asked from GCE; give `port` instead")
    if keys.port is None:
        raise ConfigError(f"{path}.port: is missing; on which port of the VM does the app answer?")


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
    parts = (_HostKeys, DockerUpstream, GceUpstream, CommandUpstream, Ready, Counting)
    shapes = parts if shape is _HostKeys else (shape,)
    return [field.name for part in shapes for field in msgspec.structs.fields(part)]
