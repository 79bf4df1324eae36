"""Containers that announce themselves: their labels, read as what hosts.yaml would say of them.

Pure: no engine. `waitroom.enable=true` makes a container a host. Every per-host key of hosts.yaml
is a label of the same name, `waitroom.idle_after=1h` or `waitroom.ready.path=/healthz`, its value
written as in YAML. What is not said comes from the container's own Traefik labels. A label can't
name another upstream: who may label one container must not start others, or run commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from waitroom.errors import ConfigError

_PREFIX = "waitroom."
ENABLE, _HOST = "waitroom.enable", "waitroom.host"
# What the engine is asked for; the socket proxy admits these questions and no other.
LIST_FILTER = {"label": [ENABLE]}
EVENTS_FILTER = {
    "type": ["container"],
    "label": [ENABLE],
    "event": ["create", "start", "die", "pause", "unpause", "rename", "destroy"],
}
_OTHER_UPSTREAMS = ("docker", "gce", "command")
_RULE = re.compile(r"traefik\.http\.routers\.[^.]+\.rule")
_PORT = re.compile(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port")
_SCHEME = re.compile(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.scheme")
_HOST_RULE = re.compile(r"\bHost\(([^)]*)\)")
_QUOTED = re.compile(r"[`\"']([^`\"']+)[`\"']")


@dataclass(frozen=True, slots=True)
class Container:
    """What the engine says of a container."""

    name: str
    labels: Mapping[str, str]
    ports: tuple[int, ...] = ()  # TCP ports that its image or its configuration exposes


@dataclass(frozen=True, slots=True)
class Announced:
    """A host as a container's labels announce it."""

    container: str
    host: str
    keys: dict[str, Any]  # what would stand under `hosts: HOST:` in hosts.yaml


def is_enabled(labels: Mapping[str, str]) -> bool:
    """Whether a container wants to be a host."""
    return labels.get(ENABLE, "").strip().lower() == "true"


def only_read(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is not read here: other labels may hold secrets, such as basicauth.users."""
    return {
        label: text
        for label, text in labels.items()
        if label.startswith(_PREFIX) or any(p.fullmatch(label) for p in (_RULE, _PORT, _SCHEME))
    }


def announced(container: Container) -> Announced:
    """Read an enabled container's labels. Raises: ConfigError that names container and label."""
    keys = _keys(container)
    routed = _routed_names(container.labels)
    host = container.labels.get(_HOST, "").strip() or next(iter(routed), None)
    if host is None:
        raise ConfigError(
            f"container {container.name}: for which host? Give it the label {_HOST}, or a Traefik"
            " router whose rule names it by Host(`…`)"
        )
    others = [name for name in routed if name != host]
    defaults = {
        "docker": {"container": container.name},
        # Its router is Traefik's own; only a shadow goes over it.
        "route": "own" if routed else "ours",
        **({"aliases": others} if others else {}),
        **({} if "url" in keys else {"url": _url(container)}),
    }
    return Announced(container.name, host, {**defaults, **keys})


def _keys(container: Container) -> dict[str, Any]:
    """Make a tree of the labels: `waitroom.ready.path` is `path` under `ready`."""
    keys: dict[str, Any] = {}
    for label, text in sorted(container.labels.items()):
        if not label.startswith(_PREFIX) or label in (ENABLE, _HOST):
            continue
        *above, last = label.removeprefix(_PREFIX).split(".")
        if (above or [last])[0] in _OTHER_UPSTREAMS:
            raise ConfigError(
                f"container {container.name}: {label}: the container itself is the upstream;"
                " hosts.yaml is the place for any other"
            )
        where = keys
        for key in above:
            where = where.setdefault(key, {})
            if not isinstance(where, dict):
                raise ConfigError(
                    f"container {container.name}: {label}: {key!r} has a value already"
                )
        where[last] = _value(container, label, text)
    return keys


def _value(container: Container, label: str, text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(
            f"container {container.name}: {label}: {text!r} can't be read as YAML"
        ) from None


def _routed_names(labels: Mapping[str, str]) -> list[str]:
    """List the names in the Host(…) rules of the container's own routers, each once."""
    rules = [text for label, text in sorted(labels.items()) if _RULE.fullmatch(label)]
    lists = [names for rule in rules for names in _HOST_RULE.findall(rule)]
    return list(dict.fromkeys(name for names in lists for name in _QUOTED.findall(names)))


def _url(container: Container) -> str:
    port = _one(container.labels, _PORT) or (
        str(container.ports[0]) if len(container.ports) == 1 else None
    )
    if port is None:
        exposed = ", ".join(map(str, container.ports)) or "none"
        raise ConfigError(
            f"container {container.name}: on which port does the app answer? It exposes {exposed};"
            " give it the label waitroom.url, or Traefik's loadbalancer.server.port"
        )
    return f"{_one(container.labels, _SCHEME) or 'http'}://{container.name}:{port}"


def _one(labels: Mapping[str, str], pattern: re.Pattern[str]) -> str | None:
    """Return the value of the one label that fits; None without one, or with several."""
    values = {text.strip() for label, text in labels.items() if pattern.fullmatch(label)}
    return values.pop() if len(values) == 1 else None
