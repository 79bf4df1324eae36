"""What the labels of a Compose file say to Sablier.

Pure. A container of Sablier's may be in several groups, one of ours is of one host: groups that
share one are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from waitroom.labels.compose_labels import Label

_PLUGIN = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.plugin\.sablier\.(.+)", re.IGNORECASE)
# Of those that name none; whoever has set up no groups has all of them in this one.
DEFAULT = "default"


class Sablier:
    """Its groups and middlewares, of the labels of all services.

    `groups` has the services by the names of their group; more than one name where groups share
    a service.
    """

    def __init__(self, labels: Sequence[Label]) -> None:
        self._options = [(*found, one.value) for one in labels if (found := option(one.key))]
        named = {one.service: _split(one.value) for one in labels if one.key == "sablier.group"}
        self.groups: dict[tuple[str, ...], list[str]] = {}
        for service in (one.service for one in labels if one.key == "sablier.enable"):
            self._add(service, named.get(service) or (DEFAULT,))

    def group(self, service: str) -> tuple[tuple[str, ...], list[str]]:
        """Return the group of a service, which need not be enabled."""
        found = (one for one in self.groups.items() if service in one[1])
        return next(found, ((DEFAULT,), []))

    def sessions(self, groups: Sequence[str]) -> list[str]:
        """List how long the middlewares of some groups keep them awake, as they say it."""
        of = {name for name, key, value in self._options if key == "group" and value in groups}
        found = (v for name, key, v in self._options if name in of and key == "sessionduration")
        return list(dict.fromkeys(found))

    def middlewares(self) -> set[str]:
        """Return their names, in small letters."""
        return {name for name, _, _ in self._options}

    def _add(self, service: str, groups: tuple[str, ...]) -> None:
        shared = [other for other in self.groups if set(other) & set(groups)]
        services = [one for other in shared for one in self.groups.pop(other)]
        names = dict.fromkeys(name for other in (*shared, groups) for name in other)
        self.groups[tuple(names)] = [*services, service]


def option(label: str) -> tuple[str, str] | None:
    """Read a label as middleware and option of Sablier's plugin, in small letters."""
    found = _PLUGIN.fullmatch(label.lower())
    return (found[1], found[2]) if found else None


def _split(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
