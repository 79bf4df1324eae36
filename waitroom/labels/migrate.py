"""From Sablier: a Compose file with `sablier.*` labels, as one with ours.

Pure. What has no counterpart is said, and taken out, since nobody reads it any more. What their
labels mean is in Sablier's label reference, the options of the middleware at its plugin for
Traefik.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from waitroom.errors import ConfigError
from waitroom.labels.compose_labels import ComposeFile, Label, Pair
from waitroom.labels.labels import ENABLE, GROUP, PREFIX
from waitroom.labels.sablier import DEFAULT, Sablier, option
from waitroom.labels.yaml_places import Entry, line

_MIDDLEWARES = re.compile(r"traefik\.http\.routers\.[^.]+\.middlewares", re.IGNORECASE)
# Taken out without a word: our shadow needs no router below it.
_SILENT = "traefik.docker.allownonrunning"
_IMAGE = re.compile(r"(.*/)?sablier([:@}].*)?")
_IDLE_AFTER = PREFIX + "idle_after"
# Go's durations have fractions and milliseconds, ours don't; a variable of Compose may be anything.
_OURS = re.compile(r"(\d+[hms])+|.*\$.*")

_LOST = {
    "sablier.ready-after": "an app is ready when it answers at waitroom.ready.path",
    "sablier.ready-on-start": "an app is ready when it answers",
    "sablier.running-hours": "write waitroom.awake: mon-fri 09:00-18:00 Asia/Jakarta",
    "sablier.running-days": "see waitroom.awake",
    "sablier.anti-affinity": "has no counterpart",
}
_ANY_LOST = "has no counterpart: a host is on or off"
_LOST_OPTIONS = {
    "ignoreuseragent": "write waitroom.activity.ignore_agents; monitors and crawlers are known",
    "failopen": "nothing of ours is in the way of an app that is awake",
    "names": "give each of these services the label waitroom.enable",
}

# What stands for a label instead, and what is said of it.
_Answer = tuple[list[Pair], list[str]]


def migrate(text: str) -> tuple[str, list[str]]:
    """Return the file with our labels, and a line for all that a person has to look at.

    Raises: ConfigError if this is no Compose file, or one whose labels can't be edited.
    """
    file = ComposeFile(text)
    labels = file.labels()
    sablier = Sablier(labels)
    ours = {(one.service, one.key) for one in labels if one.key.startswith(PREFIX)}
    said: list[str] = []
    answers: dict[Entry, tuple[Label, list[Pair]]] = {}
    for label in labels:
        found, about = _translate(label, sablier)
        new = [one for one in found if one[0] == label.key or (label.service, one[0]) not in ours]
        said += about
        other, same = answers.setdefault(label.entry, (label, new))
        if same != new:
            raise ConfigError(
                f"line {line(label.entry.key)}: {other.service} and {label.service} share"
                f" {label.key}, and need different labels in its place; write it out at each first"
            )
    changed = {entry: new for entry, (old, new) in answers.items() if new != [(old.key, old.value)]}
    return file.edited(changed), [*said, *_of_groups(sablier), *_their_own(file)]


def _translate(label: Label, sablier: Sablier) -> _Answer:
    where = f"service {label.service}: {label.key}"
    plugin = option(label.key)
    if label.key == "sablier.enable":
        return _enabled(label, sablier)
    if label.key == "sablier.group":
        groups, services = sablier.group(label.service)
        return [(GROUP, groups[0])] if groups != (DEFAULT,) and len(services) > 1 else [], []
    if label.key.startswith("sablier."):
        return [], [f"{where}: {_LOST.get(label.key, _ANY_LOST)}"]
    if plugin:
        lost = _LOST_OPTIONS.get(plugin[1])
        return [], [f"{where}: {lost}"] if lost else []
    if _MIDDLEWARES.fullmatch(label.key):
        return _without(label, sablier.middlewares(), where)
    return [] if label.key.lower() == _SILENT else [(label.key, label.value)], []


def _enabled(label: Label, sablier: Sablier) -> _Answer:
    enable, where = (ENABLE, label.value), f"service {label.service}"
    groups, _ = sablier.group(label.service)
    session, *others = [*sablier.sessions(groups), ""]
    if not session:
        text = "no sessionDuration is here, so it sleeps after 30m; or write waitroom.idle_after"
        return [enable], [f"{where}: {text}"]
    if not _OURS.fullmatch(session):
        text = f"sessionDuration {session}: write waitroom.idle_after, such as 90s or 1h30m"
        return [enable], [f"{where}: {text}"]
    more = [f"{where}: waitroom.idle_after is one, not {other} too" for other in others if other]
    return [enable, (_IDLE_AFTER, session)], more


def _without(label: Label, plugins: set[str], where: str) -> _Answer:
    """Take Sablier's middlewares out of a router's list."""
    names = [name.strip() for name in label.value.split(",")]
    kept = [name for name in names if name.partition("@")[0].lower() not in plugins]
    said = [
        f"{where}: is {name} of Sablier's? Then take it out"
        for name in kept
        if "sablier" in name.lower()
    ]
    if kept == names:
        return [(label.key, label.value)], said
    return [(label.key, ",".join(kept))] if kept else [], said


def _of_groups(sablier: Sablier) -> Iterator[str]:
    for groups, services in sablier.groups.items():
        if len(services) == 1:
            continue
        if groups == (DEFAULT,):
            yield (
                f"{len(services)} services name no group; here each sleeps by its own host, and one"
                f" without a host (a database) by that of its group: give both the label {GROUP}"
            )
        else:
            yield (
                f"group {', '.join(groups)}: its {len(services)} services sleep and wake as one"
                " host, in the order of depends_on; take the label from one that is a host by"
                " itself"
            )


def _their_own(file: ComposeFile) -> Iterator[str]:
    servers = [service for service, image in file.images().items() if _IMAGE.fullmatch(image)]
    for service in servers:
        yield f"service {service}: is not needed any more, nor is Traefik's plugin"
    for node in file.other_scalars(servers):
        if "sablier" in node.value.lower():
            yield f"line {line(node)}: {node.value!r} names Sablier, too; take it out"
