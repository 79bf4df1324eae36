"""From the decoded hosts.yaml to the registry, or to every fault with the path to it.

Pure but for the logos that it names: `config` reads the file. The whole document is checked, so
that a bad edit is mended in one go. `keys` is the format.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from waitroom.errors import ConfigError
from waitroom.labels.announced import Announced
from waitroom.labels.labels import Container
from waitroom.registry.announcements import admit
from waitroom.registry.convert import convert
from waitroom.registry.hosts import Front, Host, OwnRouter, Registry, normalise
from waitroom.registry.keys import Defaults, File, Gce, GceKeys, HostKeys
from waitroom.registry.named import GceUpstream
from waitroom.registry.owners import Owners
from waitroom.registry.page_keys import branding, known_language
from waitroom.registry.places import app_url, hostname, leads_somewhere, network, of_file
from waitroom.registry.values import Route, Sleep


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
            host = _host(name, whole, file.gce, folder, f"hosts.{name!r}")
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
        return _host(found.host, keys, file.gce, folder, f"{found.by}: waitroom")

    taken, refused = admit(containers, owners, announce)
    return Registry({**hosts, **taken}, file.webhooks, file.budget, refused=refused)


def _overlay(defaults: dict[str, Any], keys: object) -> object:
    """Lay a host's own keys over the defaults; what is no mapping is left for the check to say."""
    if not isinstance(keys, dict):
        return keys
    pages = (defaults.get("page"), keys.get("page"))
    # A host that has its own title keeps the logo and the colour of the house.
    both = all(isinstance(page, dict) for page in pages)
    return {**defaults, **keys, **({"page": {**pages[0], **pages[1]}} if both else {})}  # type: ignore[dict-item]  # `both` says that they are


def _host(name: str, raw: object, gce: Gce | None, folder: Path, path: str) -> Host:
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
