"""Which apps of a host may have visitors, by what its provider says. Pure."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from waitroom.registry.hosts import Front, Host
from waitroom.upstreams.base import Phase, Status


def serving(host: Host, status: Status | None) -> tuple[Front, ...]:
    """Return each app that is not known to be stopped, with its url if that is known."""
    if status and status.phase is Phase.STOPPED:
        return ()
    members = status.members if status and status.phase is Phase.PARTLY else ()
    own_is_stopped = bool(members) and members[0].phase is Phase.STOPPED
    # Docker knows a container by its name, also as part of a url, where capitals are small.
    stopped = {member.container.lower() for member in members if member.phase is Phase.STOPPED}
    first, *others = host.fronts
    own = replace(first, url=first.url or (status.url if status else None))
    return (
        *(() if own_is_stopped else (own,)),
        *(front for front in others if urlsplit(front.url).hostname not in stopped),
    )


def is_down(host: Host, status: Status) -> bool:
    """Whether none of its apps runs, even if something that they need does."""
    return not serving(host, status)
