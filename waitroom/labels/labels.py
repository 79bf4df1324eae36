"""The labels of a container: which of them are read, and what Traefik's own say of it.

Pure: no engine. `announced` makes a host of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from waitroom.errors import ConfigError
from waitroom.labels.rules import hosts

PREFIX = "waitroom."
ENABLE, GROUP, HOST, URL = (PREFIX + key for key in ("enable", "group", "host", "url"))
# What the engine is asked for; the socket proxy admits these questions and no other.
LIST_FILTER = {"label": [ENABLE]}
EVENTS_FILTER = {
    "type": ["container"],
    "label": [ENABLE],
    "event": ["create", "start", "die", "pause", "unpause", "rename", "destroy"],
}
# Traefik reads these in any case.
_ROUTER, _RULE, _ENTRY_POINTS, _PORT, _SCHEME = _READ = tuple(
    re.compile(rf"traefik\.http\.{label}", re.IGNORECASE)
    for label in (
        r"routers\.[^.]+\..+",
        r"routers\.[^.]+\.rule",
        r"routers\.[^.]+\.entrypoints",
        r"services\.[^.]+\.loadbalancer\.server\.port",
        r"services\.[^.]+\.loadbalancer\.server\.scheme",
    )
)


@dataclass(frozen=True, slots=True)
class Container:
    """What the engine says of a container."""

    name: str
    labels: Mapping[str, str]
    ports: tuple[int, ...] = ()  # TCP ports that its image or its configuration exposes


def is_enabled(labels: Mapping[str, str]) -> bool:
    """Whether a container wants to be a host."""
    return labels.get(ENABLE, "").strip().lower() == "true"


def only_read(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is not read here: other labels may hold secrets, such as basicauth.users."""
    return {
        label: text
        for label, text in labels.items()
        if label.startswith(PREFIX) or any(p.fullmatch(label) for p in _READ)
    }


def needs_ports(labels: Mapping[str, str]) -> bool:
    """Whether the container must be asked which ports it exposes, to know where it answers."""
    return URL not in labels and _one(labels, _PORT) is None


def is_routed(labels: Mapping[str, str]) -> bool:
    """Whether the container has a router of its own, be it by Traefik's default rule."""
    return any(_ROUTER.fullmatch(label) for label in labels)


def entry_points(labels: Mapping[str, str]) -> list[str]:
    """List the entry points that the container's own routers name, each once."""
    named = [text for label, text in labels.items() if _ENTRY_POINTS.fullmatch(label)]
    return sorted({one.strip() for text in named for one in text.split(",") if one.strip()})


def routed_names(labels: Mapping[str, str]) -> list[str]:
    """List the names in the Host(…) rules of the container's own routers, each once.

    In small letters, as Traefik compares them: two routers may write one name in two ways.
    """
    rules = [text for label, text in sorted(labels.items()) if _RULE.fullmatch(label)]
    return list(dict.fromkeys(name.lower() for rule in rules for name in hosts(rule)))


def url(container: Container) -> str:
    """Return where Traefik reaches it. Raises: ConfigError."""
    if URL in container.labels:
        return container.labels[URL].strip()
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
