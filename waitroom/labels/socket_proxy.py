"""The socket proxy's configuration (haproxy): what each of the two may ask the Docker engine.

Pure. Two unix sockets, one for each user with the calls that this user makes; anything else is
refused. Containers are admitted by name where their names are known, and else by path.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from waitroom.labels.labels import EVENTS_FILTER, LIST_FILTER

_VERSION = r"(/v1\.(2[4-9]|[3-9][0-9]))?"
_ANY_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]*"

_TEMPLATE = r"""# The only way to the Docker engine: two unix sockets, each for one user and
# for the calls that this user makes. Whoever may create or exec on the engine's own socket is root
# on the host; through these one may look at a container, and start it (waiting room) or stop it
# (sidecar).
#
# Printed by `python -m waitroom socket-proxy`, for {whom}.
#
# Everything that is not listed is refused with 403. `pathq` is path and query as the engine will
# read them, not yet decoded: a name can hold no slash, no %2f and no .., and a query can hold
# nothing but what stands here. Versions before 1.24 are refused, because there the body of a start
# could give a container the host's files; so is any body and any upgrade to another protocol.

global
    log stdout format raw local0
    maxconn 100

defaults
    mode http
    log global
    option httplog
    option http-no-delay            # small answers that somebody waits for
    timeout connect 5s
    timeout http-request 5s
    timeout http-keep-alive 10m     # the Docker SDK keeps its connections
    timeout client 10m
    timeout server 17m              # a stop answers when the container is down: up to ?t=999

frontend waitroom
    # Who mounts its volume may connect. (The socket can't be given to a user: no CAP_CHOWN.)
    bind /run/waitroom/docker.sock mode 666 proto h1
{waitroom}
    default_backend engine

frontend sidecar
    bind /run/sidecar/docker.sock mode 666 proto h1
{sidecar}
    default_backend engine

backend engine
{both}
    http-request deny unless {{ var(txn.allowed) -m bool }}
    http-request deny if {{ req.hdr_cnt(Upgrade) gt 0 }}
    http-request deny if {{ req.hdr_cnt(Transfer-Encoding) gt 0 }}
    # Compared as text: as a number, one of 2^31 and more would be less than nothing.
    http-request deny if {{ req.hdr(Content-Length) -m found }} !{{ req.hdr(Content-Length) 0 }}
    http-request set-log-level silent    # only what was refused is worth a line
    option httpchk GET /_ping
    server docker unix@/var/run/docker.sock check inter 2s fall 2 rise 1

# For the container's own health check, on loopback: 200 while the engine answers.
frontend health
    bind 127.0.0.1:8404
    monitor-uri /healthz
    monitor fail if {{ nbsrv(engine) lt 1 }}
    http-request set-log-level silent
    http-request deny
"""


def render(names: Sequence[str] | None) -> str:
    """Render it for these containers; None: for any, as those that announce themselves may be."""
    patterns = [_ANY_NAME] if names is None else [name.replace(".", r"\.") for name in names]
    announcing = names is None
    return _TEMPLATE.format(
        whom="containers that announce themselves by labels"
        if names is None
        else "the containers of hosts.yaml",
        waitroom=_lines(
            [*_of_each("POST", patterns, "/(start|unpause)"), *(_FOLLOW if announcing else ())]
        ),
        sidecar=_lines(_of_each("POST", patterns, r"/(pause|stop(\?t=[0-9]{1,3})?)")),
        both=_lines(
            [
                _allow("GET", "/(_ping|version)"),
                *_of_each("GET", patterns, "/json"),
                *(_LIST if announcing else ()),
            ]
        ),
    )


def _filter(filters: dict[str, list[str]]) -> str:
    """Write it as the Docker SDK sends it, as a pattern."""
    return urlencode({"filters": json.dumps(filters)}).replace("+", "[+]").replace(".", r"\.")


def _of_each(method: str, patterns: Sequence[str], call: str) -> list[str]:
    return [_allow(method, f"/containers/{pattern}{call}") for pattern in patterns]


def _allow(method: str, path: str) -> str:
    return (
        f"http-request set-var(txn.allowed) bool(true) if {{ method {method} }}"
        f" {{ pathq -m reg ^{_VERSION}{path}$ }}"
    )


def _lines(rules: Sequence[str]) -> str:
    return "\n".join(f"    {rule}" for rule in rules)


# List and follow containers with our label; the filter is part of what is admitted.
_LIST = (
    "# The containers that announce themselves, and no others.",
    _allow("GET", rf"/containers/json\?limit=-1&all=1&size=0&trunc_cmd=0&{_filter(LIST_FILTER)}"),
)
_FOLLOW = (
    "# What happens to them.",
    _allow("GET", rf"/events\?since=[0-9]{{1,12}}&{_filter(EVENTS_FILTER)}"),
)
