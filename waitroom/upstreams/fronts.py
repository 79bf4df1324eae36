"""Which apps of a host may have visitors, by what its provider says. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from waitroom.registry.hosts import Front, Host
from waitroom.upstreams.base import Phase, Status


def serving(host: Host, status: Status | None) -> tuple[Front, ...]:
    """Return each app that is not known to be stopped, with its url if that is known."""
    if status and status.phase is Phase.STOPPED:
        return ()
    return tuple(front for front, phase in _apps(host, status) if phase is not Phase.STOPPED)


def restarting(host: Host, status: Status | None) -> tuple[Front, ...]:
    """Return each app that has just ended and is about to be started again."""
    return tuple(front for front, phase in _apps(host, status) if phase is Phase.RESTARTING)


def is_down(host: Host, status: Status) -> bool:
    """Whether none of its apps runs, even if something that they need does."""
    return not serving(host, status)


def _apps(host: Host, status: Status | None) -> Iterator[tuple[Front, Phase | None]]:
    """Yield each app with what its container does; None: that is not known."""
    members = status.members if status else ()
    # Docker knows a container by its name, also as part of a url, where capitals are small.
    phases = {member.container.lower(): member.phase for member in members}
    whole = status.phase if status else None
    first, *others = host.fronts
    url = first.url or (status.url if status else None)
    yield replace(first, url=url), members[0].phase if members else whole
    for front in others:
        name = str(urlsplit(front.url).hostname)
        yield front, phases.get(name) if members else whole
