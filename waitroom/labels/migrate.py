"""From Sablier: a Compose file with `sablier.*` labels, as one with ours.

Pure. The text is edited where a label stands, so comments and order stay. What has no counterpart
is said, and taken out, since nobody reads it any more. What their labels mean is in Sablier's
label reference, the options of the middleware at its plugin for Traefik.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from waitroom.labels import compose_labels
from waitroom.labels.compose_labels import Label
from waitroom.labels.labels import ENABLE, GROUP

_PLUGIN = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.plugin\.sablier\.(.+)", re.IGNORECASE)
_MIDDLEWARES = re.compile(r"traefik\.http\.routers\.[^.]+\.middlewares", re.IGNORECASE)
# Taken out without a word: our shadow needs no router below it.
_SILENT = "traefik.docker.allownonrunning"
# Of those that name no group; whoever has set up no groups has all of them in this one.
_DEFAULT_GROUP = "default"

_LOST = {
    "sablier.ready-after": "an app is ready when it answers at waitroom.ready.path",
    "sablier.ready-on-start": "an app is ready when it answers",
    "sablier.running-hours": "write waitroom.awake: mon-fri 09:00-18:00 Asia/Jakarta",
    "sablier.running-days": "see waitroom.awake",
    "sablier.anti-affinity": "has no counterpart",
}
_ANY_LOST = "has no counterpart: a host is on or off"
_LOST_OPTIONS = {
    "ignoreUserAgent": "write waitroom.activity.ignore_agents; monitors and crawlers are known",
    "failOpen": "nothing of ours is in the way of an app that is awake",
}

# What stands for a label instead, None if it stays; and what is said of it.
_Answer = tuple[list[tuple[str, str]] | None, list[str]]


def migrate(text: str) -> tuple[str, list[str]]:
    """Return the file with our labels, and a line for all that a person has to look at.

    Raises: ConfigError if this is no Compose file that can be edited.
    """
    labels = list(compose_labels.labels(text))
    said = [*_shared_groups(labels), *_their_own(text)]
    for label in reversed(labels):
        instead, about = _translate(label, labels)
        said[:0] = about
        if instead is not None:
            start, end = label.entry
            text = text[:start] + "".join(label.written(*pair) for pair in instead) + text[end:]
    return text, said


def _translate(label: Label, labels: Sequence[Label]) -> _Answer:
    where = f"service {label.service}: {label.key}"
    plugin = _PLUGIN.fullmatch(label.key)
    if label.key == "sablier.enable":
        return _enabled(label, _session(labels, _group(labels, label.service)))
    if label.key == "sablier.group":
        return _grouped(label, labels), []
    if label.key.startswith("sablier.") or label.key.lower() == _SILENT:
        lost = None if label.key.lower() == _SILENT else _LOST.get(label.key, _ANY_LOST)
        return [], [f"{where}: {lost}"] if lost else []
    if plugin:
        lost = _LOST_OPTIONS.get(plugin[2])
        return [], [f"{where}: {lost}"] if lost else []
    if _MIDDLEWARES.fullmatch(label.key):
        return _without(label, {name.lower() for name, _, _ in _options(labels)}, where)
    return None, []


def _enabled(label: Label, session: str | None) -> _Answer:
    enable = (ENABLE, label.value)
    if session:
        return [enable, ("waitroom.idle_after", session)], []
    text = "no sessionDuration is here, so it sleeps after 30m; or write waitroom.idle_after"
    return [enable], [f"service {label.service}: {text}"]


def _grouped(label: Label, labels: Sequence[Label]) -> list[tuple[str, str]]:
    """Say the group again, but one that is the host alone."""
    shared = label.value != _DEFAULT_GROUP and _sizes(labels)[label.value] > 1
    return [(GROUP, label.value)] if shared else []


def _without(label: Label, plugins: set[str], where: str) -> _Answer:
    """Take Sablier's middlewares out of a router's list."""
    names = [name.strip() for name in label.value.split(",")]
    kept = [name for name in names if name.partition("@")[0].lower() not in plugins]
    doubtful = [name for name in kept if "sablier" in name.lower()]
    said = [f"{where}: is {name} of Sablier's? Then take it out" for name in doubtful]
    if kept == names:
        return None, said
    return ([(label.key, ",".join(kept))] if kept else []), said


def _options(labels: Sequence[Label]) -> Iterator[tuple[str, str, str]]:
    """Return middleware, option and value of each option of Sablier's plugin."""
    for label in labels:
        plugin = _PLUGIN.fullmatch(label.key)
        if plugin:
            yield plugin[1], plugin[2], label.value


def _session(labels: Sequence[Label], group: str) -> str | None:
    """Return how long the middleware of a group keeps it awake."""
    options = list(_options(labels))
    of = {name for name, option, value in options if (option, value) == ("group", group)}
    found = (value for name, option, value in options if name in of and option == "sessionDuration")
    return next(found, None)


def _group(labels: Sequence[Label], service: str) -> str:
    groups = (one.value for one in labels if (one.service, one.key) == (service, "sablier.group"))
    return next(groups, _DEFAULT_GROUP)


def _sizes(labels: Sequence[Label]) -> Counter[str]:
    """Count the services of each group."""
    enabled = [label.service for label in labels if label.key == "sablier.enable"]
    return Counter(_group(labels, service) for service in enabled)


def _shared_groups(labels: Sequence[Label]) -> Iterator[str]:
    for group, count in _sizes(labels).items():
        if group == _DEFAULT_GROUP and count > 1:
            yield (
                f"{count} services name no group; here each sleeps by its own host, and one without"
                f" a host (a database) by that of its group: give both the label {GROUP}"
            )
        elif count > 1:
            yield (
                f"group {group}: its {count} services sleep and wake as one host, in the order of"
                " depends_on; take the label from one that is a host by itself"
            )


def _their_own(text: str) -> Iterator[str]:
    for service, image in compose_labels.images(text):
        if "sablier" in image:
            yield f"service {service}: is not needed any more, nor is Traefik's plugin"
