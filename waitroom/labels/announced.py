"""Containers that announce themselves: their labels, read as what hosts.yaml would say of them.

Pure: no engine. `waitroom.enable=true` makes a container a host. Every per-host key of hosts.yaml
is a label of the same name, `waitroom.idle_after=1h` or `waitroom.ready.path=/healthz`, its value
written as in YAML. What is not said comes from the container's own Traefik labels. A label can't
name another upstream: who may label one container must not start others, or run commands. So each
container of a group says for itself that it is one of it (`waitroom.group=shop`); together their
labels announce one host, that of those of them which have names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from waitroom import strict_yaml
from waitroom.errors import ConfigError
from waitroom.labels.labels import (
    ENABLE,
    GROUP,
    HOST,
    PREFIX,
    URL,
    Container,
    entry_points,
    is_routed,
    routed_names,
    url,
)

# Keys that are no labels, and why.
_UPSTREAM = "the container itself is the upstream; hosts.yaml is the place for any other"
_FILE = "a label names no file of ours; hosts.yaml is the place for it, also in `defaults:`"
_NO_LABELS = {
    "docker": _UPSTREAM,
    "gce": _UPSTREAM,
    "command": _UPSTREAM,
    "page.logo": _FILE,
    "page.template": _FILE,
}


@dataclass(frozen=True, slots=True)
class Announced:
    """A host as the labels of a container, or of a group, announce it."""

    by: str  # whose labels, for messages
    host: str
    keys: dict[str, Any]  # what would stand under `hosts: HOST:` in hosts.yaml


def by_group(containers: Iterable[Container]) -> list[tuple[Container, ...]]:
    """Put those together that announce one host together, in the order of their names."""
    groups: defaultdict[str, list[Container]] = defaultdict(list)
    for container in sorted(containers, key=lambda one: one.name):
        groups[whose((container,))].append(container)
    return [tuple(group) for group in groups.values()]


def whose(containers: Sequence[Container]) -> str:
    """Name the group that containers are, or the one container."""
    group = containers[0].labels.get(GROUP, "").strip()
    return f"group {group}" if group else f"container {containers[0].name}"


def announced(containers: Sequence[Container]) -> Announced:
    """Read the labels of an enabled container, or of a group (`by_group`).

    Raises: ConfigError that names container or group, and label.
    """
    by = whose(containers)
    keys = _keys(by, _together(by, containers))
    fronts = _fronts(by, containers)
    front = fronts[0]
    group = [container.name for container in containers if container is not front]
    aliases = _aliases(keys, fronts)
    route = keys.get("route") or _route(by, fronts)
    named = sorted({name for one in fronts for name in entry_points(one.labels)})
    return Announced(
        by,
        _names(front)[0],
        {
            **({"traefik": {"entry_points": named}} if named and route == "own" else {}),
            **keys,
            "docker": {"container": front.name, **({"group": group} if group else {})},
            "url": url(front),
            "route": route,
            **({"aliases": aliases} if aliases else {}),
        },
    )


def _fronts(by: str, containers: Sequence[Container]) -> list[Container]:
    """Return those that have a host; there is one."""
    fronts = [container for container in containers if _names(container)]
    if not fronts:
        raise ConfigError(
            f"{by}: for which host? Give it the label {HOST}, or a Traefik router whose rule names"
            " it by Host(`…`)"
        )
    leads: dict[str, str] = {}
    for name, to in ((name, front.name) for front in fronts for name in _names(front)):
        if leads.setdefault(name, to) != to:
            raise ConfigError(
                f"{by}: {name} leads to {leads[name]} and to {to}, and a name can lead to one app"
                f" here; take {ENABLE} from the other, which then stays awake"
            )
    return fronts


def _route(by: str, fronts: Sequence[Container]) -> str:
    """Whether their routers are Traefik's own, so that only a shadow goes over them."""
    routes = {"own" if is_routed(front.labels) else "ours" for front in fronts}
    if len(routes) > 1:
        raise ConfigError(f"{by}: one has a router of its own, and another none; give both one")
    return routes.pop()


def _aliases(keys: Mapping[str, Any], fronts: Sequence[Container]) -> Any:  # noqa: ANN401 - YAML
    """Return the names beside the host, those of other apps with their urls."""
    first, *others = fronts
    aliases = keys.get("aliases", _names(first)[1:])
    if not others or not isinstance(aliases, (list, dict)):
        return aliases
    urls = {name: url(front) for front in others for name in _names(front)}
    return {**(dict.fromkeys(map(str, aliases)) if isinstance(aliases, list) else aliases), **urls}


def _names(container: Container) -> list[str]:
    """List the names of its host, the canonical one first; none where it has no host."""
    routed = routed_names(container.labels)
    host = container.labels.get(HOST, "").strip().lower()
    return [host, *(name for name in routed if name != host)] if host else routed


def _together(by: str, containers: Sequence[Container]) -> dict[str, str]:
    """Put their labels together: a key of the host may stand at any of a group."""
    labels: dict[str, str] = {}
    for label, text in (pair for container in containers for pair in container.labels.items()):
        if not label.startswith(PREFIX) or label in (ENABLE, GROUP, HOST, URL):
            continue
        if labels.setdefault(label, text) != text:
            raise ConfigError(f"{by}: {label}: is {labels[label]!r}, and {text!r} too")
    return labels


def _keys(by: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Make a tree of the labels: `waitroom.ready.path` is `path` under `ready`."""
    keys: dict[str, Any] = {}
    for label, text in sorted(labels.items()):
        *above, last = label.removeprefix(PREFIX).split(".")
        where = keys
        for key in above:
            where = where.setdefault(key, {})
            if not isinstance(where, dict):
                raise ConfigError(f"{by}: {label}: {key!r} has a value already")
        where[last] = _value(by, label, text)
    for key, why in _NO_LABELS.items():
        if _has(keys, key.split(".")):
            raise ConfigError(f"{by}: {PREFIX}{key}: {why}")
    return keys


def _has(keys: object, path: list[str]) -> bool:
    """Whether there is such a key, however it was written."""
    if not path:
        return True
    return isinstance(keys, dict) and path[0] in keys and _has(keys[path[0]], path[1:])


def _value(by: str, label: str, text: str) -> object:
    try:
        return strict_yaml.read(text)
    except ConfigError:
        raise ConfigError(f"{by}: {label}: {text!r} can't be read as YAML") from None
