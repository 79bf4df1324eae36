"""From the decoded hosts.yaml to the registry, or to every fault with the path to it.

Pure but for the logos that it names: `config` reads the file. The whole document is checked, so
that a bad edit is mended in one go.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from waitroom.errors import ConfigError
from waitroom.labels.announced import Announced
from waitroom.labels.labels import Container
from waitroom.registry.announcements import admit
from waitroom.registry.convert import convert
from waitroom.registry.host_keys import Defaults, Gce, read_host
from waitroom.registry.hosts import Host, Registry, TotalBudget, Webhook
from waitroom.registry.owners import Owners
from waitroom.registry.places import leads_somewhere
from waitroom.registry.values import Part


class File(Part, frozen=True, kw_only=True):
    """The whole of it; hosts and defaults are checked one by one."""

    hosts: dict[str, Any]
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)
    gce: Gce | None = None
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
    if document is None:
        raise ConfigError("is empty; it needs at least `hosts: {}`")
    file = convert(document, File, "")
    convert(file.defaults, Defaults, "defaults")
    faults = _wrong_webhooks([hook.url for hook in file.webhooks])
    hosts: dict[str, Host] = {}
    owners = Owners()
    for name, keys in file.hosts.items():
        try:
            whole = _overlay(file.defaults, keys)
            host = read_host(name, whole, file.gce, folder, f"hosts.{name!r}")
        except ConfigError as error:
            faults.append(str(error))
        else:
            if host.name in hosts:
                faults.append(f"hosts.{name!r}: the host {host.name!r} is given twice; remove one")
                continue
            faults += _clashes(host, owners)
            owners.add(host)
            hosts[host.name] = host
    if faults:
        raise ConfigError("\n".join(faults))

    def announce(found: Announced) -> Host:
        keys = _overlay(file.defaults, found.keys)
        return read_host(found.host, keys, file.gce, folder, f"{found.by}: waitroom")

    taken, refused = admit(containers, owners, announce)
    return Registry({**hosts, **taken}, file.webhooks, file.budget, refused=refused)


def _overlay(defaults: dict[str, Any], keys: object) -> object:
    """Lay a host's own keys over the defaults; what is no mapping is left for the check to say.

    A host that has a pause of its own keeps the bounds of `defaults.budget`, and so on.
    """
    if not isinstance(keys, dict):
        return keys
    both = {
        name: {**value, **keys[name]}
        for name, value in defaults.items()
        if isinstance(value, dict) and isinstance(keys.get(name), dict)
    }
    return {**defaults, **keys, **both}


def _wrong_webhooks(urls: list[str]) -> list[str]:
    """Return their faults, without the urls themselves, as these may hold a secret."""
    faults = []
    for number, url in enumerate(urls):
        path = f"webhooks[{number}].url"
        if url in urls[:number]:
            faults.append(f"{path}: is given twice; name all its kinds at one of them")
        elif not leads_somewhere(url):
            faults.append(f"{path}: names no host, or no port; expected https://HOST/…")
    return faults


def _clashes(host: Host, owners: Owners) -> list[str]:
    path = f"hosts.{host.name!r}"
    faults = [
        f"{path}.aliases: {name!r} is "
        + ("the host's own name" if name == host.name else "given twice")
        + "; remove it here"
        for name in {n for n in host.names if host.names.count(n) > 1}
    ]
    faults += [
        f"{path}: the name {name!r} belongs to hosts.{owner.name!r} already"
        for name in host.names
        if (owner := owners.of_name(name))
    ]
    if taken := owners.of_upstream(host.upstream):
        what, owner = taken
        faults.append(
            f"{path}: shares its {what} with hosts.{owner.name!r}; one upstream has one host,"
            " give the second name as an alias"
        )
    return faults
