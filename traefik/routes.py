"""The route files as text: what a host, its shadow and the waiting room look like to Traefik.

Pure: `folder` writes the files. Format: Traefik v3.7, dynamic configuration of the file provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

# The service's name, and so what the access log says when the waiting room answered.
WAITROOM = "waitroom"

# Traefik's default priority of a router is the length of its rule; a shadow must win over any.
SHADOW_PRIORITY = 1_000_000
CATCH_ALL_PRIORITY = 1

_GAP = "waitroom-gap"
_RETRY = "waitroom-retry"
_TRANSPORT = "waitroom-app"
# Each router stands twice: one without `tls` is not in force on a TLS connection of an entry point
# that leaves TLS to its routers, nor one with it on a plain connection.
_TLS = "tls"
MARK = "# Written by the waiting room; edits are lost.\n"


def render_base(waitroom_url: str) -> str:
    """Render what all hosts share: the waiting room's service, the net below it, the gap.

    The catch-all router is the net for a host whose router vanished with its container. The gap
    is an `errors` middleware: an app that crashed or was stopped by hand answers 502-504, and
    its visitor gets the waiting room's page instead (it does not buffer request bodies). Who is
    on his way to a waiting room that is just being restarted is held for up to three seconds.
    """
    return _text(
        routers={
            WAITROOM: {
                "rule": "PathPrefix(`/`)",
                "priority": CATCH_ALL_PRIORITY,
                "service": WAITROOM,
                "middlewares": [_RETRY],
            }
        },
        services={
            WAITROOM: {
                "loadBalancer": {"servers": [{"url": waitroom_url}], "serversTransport": WAITROOM}
            }
        },
        middlewares={
            _GAP: {
                "errors": {
                    "status": ["502-504"],
                    "service": WAITROOM,
                    "query": "/.waitroom/gap?st={originalStatus}",
                    "statusRewrites": {"502-504": 503},
                }
            },
            # Only where no connection came about, so nothing is done twice.
            _RETRY: {"retry": {"attempts": 8, "initialInterval": "250ms"}},
        },
        serversTransports={
            # Sooner than the waiting room closes them (75 s): a request must not meet the end.
            WAITROOM: {"forwardingTimeouts": {"idleConnTimeout": "60s"}},
            # A stopped container's address swallows packets: the default dial takes 30 s. An idle
            # connection looks like a visitor to the sleep handshake, so it is closed early.
            _TRANSPORT: {"forwardingTimeouts": {"dialTimeout": "1s", "idleConnTimeout": "2s"}},
        },
    )


def render_host(names: Sequence[str], url: str) -> str:
    """Render a host's own router and service. `names`: canonical name first, then aliases."""
    name = names[0]
    return _text(
        routers={name: {"rule": _rule(names), "service": name, "middlewares": [_GAP]}},
        services={
            name: {"loadBalancer": {"servers": [{"url": url}], "serversTransport": _TRANSPORT}}
        },
    )


def render_shadow(names: Sequence[str], proof: str | None = None) -> str:
    """Render the router that leads a host to the waiting room, over any other of its routers.

    `proof`: a name that answers 418 as soon as this file is in force (see render_proof).
    """
    shadow = {
        "rule": _rule(names),
        "priority": SHADOW_PRIORITY,
        "service": WAITROOM,
        "middlewares": [_RETRY],
    }
    return _text(routers={f"{names[0]}.shadow": shadow, **(_proof(proof) if proof else {})})


def render_proof(name: str) -> str:
    """Render a router whose answer (418, Traefik's own noop service) proves that it was read."""
    return _text(routers=_proof(name))


def _proof(name: str) -> dict[str, Any]:
    return {name: {"rule": _rule([name]), "priority": SHADOW_PRIORITY, "service": "noop@internal"}}


def _rule(names: Sequence[str]) -> str:
    # Backticks can't be in a hostname that waitroom.hosts admitted.
    return " || ".join(f"Host(`{name}`)" for name in names)


def _text(*, routers: dict[str, Any], **http: dict[str, Any]) -> str:
    secured = {f"{name}.{_TLS}": {**router, "tls": {}} for name, router in routers.items()}
    return MARK + _dump({"http": {"routers": {**routers, **secured}, **http}})


def _dump(document: dict[str, Any]) -> str:
    return str(yaml.dump(document, Dumper=_Plain, sort_keys=False))


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: people read these files."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True
