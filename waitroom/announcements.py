"""Which of the hosts that containers announce are taken in, and why the others are not.

Pure. hosts.yaml wins over a label. Two containers that announce one name are both refused: which
of them is meant is not ours to guess, and the answer must not depend on which was seen first. A
container that can't be taken in does no harm to any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from waitroom.errors import ConfigError
from waitroom.hosts import Host
from waitroom.labels import Announced, Container, announced


def admit(
    containers: Iterable[Container],
    registered: Mapping[str, Host],
    make: Callable[[Announced], Host],
) -> tuple[dict[str, Host], tuple[str, ...]]:
    """Return the hosts to take in beside the registered ones, and a line for each that is refused.

    `make` checks what is announced. Raises: ConfigError, which is a line of its own here.
    """
    refused: list[str] = []
    found: dict[str, Host] = {}  # by container
    for container in sorted(containers, key=lambda one: one.name):
        try:
            host = make(announced(container))
        except ConfigError as error:
            refused.append(str(error))
            continue
        clash = _clash(container.name, host, registered.values())
        if clash:
            refused.append(clash)
        else:
            found[container.name] = host
    claims = Counter(name for host in found.values() for name in set(host.names))
    refused += [_doubt(name, found) for name, count in sorted(claims.items()) if count > 1]
    return {
        host.name: host for host in found.values() if all(claims[name] == 1 for name in host.names)
    }, tuple(refused)


def _clash(container: str, host: Host, registered: Iterable[Host]) -> str | None:
    """Say what of hosts.yaml stands against it."""
    if len(set(host.names)) < len(host.names):
        return f"container {container}: one of its names is given twice: {', '.join(host.names)}"
    for other in registered:
        for name in host.names:
            if name in other.names:
                return (
                    f"container {container}: {name} is not taken from its labels; hosts.yaml has it"
                )
        if host.upstream == other.upstream:
            return (
                f"container {container}: {host.name} is not taken from its labels; hosts.yaml has"
                f" the container as the upstream of {other.name}"
            )
    return None


def _doubt(name: str, found: Mapping[str, Host]) -> str:
    claimants = [container for container, host in found.items() if name in host.names]
    return f"containers {' and '.join(claimants)}: all announce {name}, so none of them is taken in"
