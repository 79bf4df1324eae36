"""Which of the hosts that containers announce are taken in, and why the others are not.

Pure. hosts.yaml wins over a label. Two containers that announce one name are both refused: which
of them is meant is not ours to guess, and the answer must not depend on which was seen first. A
container that can't be taken in does no harm to any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from waitroom.errors import ConfigError
from waitroom.labels.announced import Announced, announced, by_group, whose
from waitroom.labels.labels import Container
from waitroom.registry.hosts import Host
from waitroom.registry.owners import Owners


def admit(
    containers: Iterable[Container],
    registered: Owners,
    make: Callable[[Announced], Host],
) -> tuple[dict[str, Host], tuple[str, ...]]:
    """Return the hosts to take in beside the registered ones, and a line for each that is refused.

    `make` checks what is announced. Raises: ConfigError, which is a line of its own here.
    """
    refused: list[str] = []
    found: dict[str, Host] = {}  # by who announces it
    for group in by_group(containers):
        try:
            host = make(announced(group))
        except ConfigError as error:
            refused.append(str(error))
            continue
        by = whose(group)
        clash = _clash(by, host, registered)
        if clash:
            refused.append(clash)
        else:
            found[by] = host
    claims = Counter(name for host in found.values() for name in set(host.names))
    refused += [_doubt(name, found) for name, count in sorted(claims.items()) if count > 1]
    return {
        host.name: host for host in found.values() if all(claims[name] == 1 for name in host.names)
    }, tuple(refused)


def _clash(by: str, host: Host, registered: Owners) -> str | None:
    """Say what of hosts.yaml stands against it."""
    if len(set(host.names)) < len(host.names):
        return f"{by}: one of its names is given twice: {', '.join(host.names)}"
    for name in host.names:
        if registered.of_name(name):
            return f"{by}: {name} is not taken from its labels; hosts.yaml has it"
    if taken := registered.of_upstream(host.upstream):
        what, owner = taken
        return (
            f"{by}: {host.name} is not taken from its labels; hosts.yaml has {what} for"
            f" {owner.name}"
        )
    return None


def _doubt(name: str, found: Mapping[str, Host]) -> str:
    claimants = [by for by, host in found.items() if name in host.names]
    return (
        f"{' and '.join(claimants)}: all announce {name}, so none of them is taken in; leave"
        " waitroom.enable at one"
    )
