"""The route files as text: what a host, its shadow and the waiting room look like to Traefik.

Each router stands twice: one without `tls` is not in force on a TLS connection of an entry point
that leaves TLS to its routers, nor one with it on a plain connection. Neither chooses a
certificate: Traefik finds that by SNI.

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
MARK = "# Written by the waiting room; edits are lost.\n"


def render_base(waitroom_url: str) -> str:
    """Render what all hosts share: the waiting room's service, the net below it, the gap.

    The catch-all router is the net for a host whose router vanished with its container. The gap
    is an `errors` middleware: an app that crashed or was stopped by hand answers 502-504, and
    its visitor gets the waiting room's page instead (it does not buffer request bodies). Who is
    on his way to a waiting room that is just being restarted is held for about five seconds.
    """
    return _text(
        routers=_twice(
            WAITROOM,
            {
                "rule": "PathPrefix(`/`)",
                "priority": CATCH_ALL_PRIORITY,
                "service": WAITROOM,
                "middlewares": [_RETRY],
            },
        ),
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
            _RETRY: {"retry": {"attempts": 16, "initialInterval": "250ms"}},
        },
        serversTransports={
            # Idle ones end sooner than the waiting room would end them (75 s): a POST must not meet
            # that. And with the default dial each attempt of a retry could take 30 s.
            WAITROOM: _transport(idle="60s"),
            # A stopped container's address swallows packets: the default dial takes 30 s. An idle
            # connection looks like a visitor to the sleep handshake, so it is closed early.
            _TRANSPORT: _transport(idle="2s"),
        },
    )


def _transport(*, idle: str) -> dict[str, Any]:
    return {
        # Traefik's own default. A transport that does not say it keeps two: with more visitors
        # at once nearly each request opens a connection, and half as many are served.
        "maxIdleConnsPerHost": 200,
        "forwardingTimeouts": {"dialTimeout": "1s", "idleConnTimeout": idle},
    }


def render_host(names: Sequence[str], url: str) -> str:
    """Render a host's own router and service. `names`: canonical name first, then aliases.

    Over TLS the first is the one that counts where the entry point has TLS: with its options and
    its certificates. Its double, which has none, steps back there (see _nameless).
    """
    name, rule = names[0], _rule(names)
    host = {"rule": rule, "priority": len(rule), "service": name, "middlewares": [_GAP]}
    routers = _twice(name, host)
    routers[f"{name}.tls"] |= {"rule": _nameless(names), "priority": len(rule) - 1}
    return _text(
        routers=routers,
        services={
            name: {"loadBalancer": {"servers": [{"url": url}], "serversTransport": _TRANSPORT}}
        },
    )


def render_shadow(
    names: Sequence[str], proof: str | None = None, entry_points: Sequence[str] = ()
) -> str:
    """Render the router that leads a host to the waiting room, over any other of its routers.

    `proof`: a name that answers 418 as soon as this file is in force (see render_proof).
    `entry_points`: those of the host's own router, beside those that a router has by default.
    """
    shadow = {
        "rule": _rule(names),
        "priority": SHADOW_PRIORITY,
        "service": WAITROOM,
        "middlewares": [_RETRY],
    }
    routers = _twice(f"{names[0]}.shadow", shadow)
    routers |= _proof(proof) if proof else {}
    return _text(routers={**routers, **_named(routers, entry_points)})


def render_proof(name: str) -> str:
    """Render a router whose answer (418, Traefik's own noop service) proves that it was read."""
    return _text(routers=_proof(name))


def _proof(name: str) -> dict[str, Any]:
    rule = _nameless([name])
    return _twice(name, {"rule": rule, "priority": SHADOW_PRIORITY, "service": "noop@internal"})


def _twice(name: str, router: dict[str, Any]) -> dict[str, Any]:
    return {name: router, f"{name}.tls": {**router, "tls": {}}}


def _named(routers: dict[str, Any], entry_points: Sequence[str]) -> dict[str, Any]:
    """Render the same once more for entry points that have to be named."""
    named = {"entryPoints": list(entry_points)}
    return {f"{n}.waitroom": {**r, **named} for n, r in routers.items() if entry_points}


def _rule(names: Sequence[str]) -> str:
    # Backticks can't be in a hostname that waitroom.hosts admitted.
    return " || ".join(f"Host(`{name}`)" for name in names)


def _nameless(names: Sequence[str]) -> str:
    r"""Render a rule that matches as `Host` does, but that names no domain to Traefik.

    For what Traefik reads in `Host` it orders certificates, where the entry point has a resolver.
    And two routers that name a domain with different TLS options both get the default ones: an app
    whose entry point asks for client certificates would be open to all.
    """
    # No other character of the hostnames that waitroom.hosts admits means anything here.
    either = "|".join(name.replace(".", r"\.") for name in names)
    return rf"HostRegexp(`^({either})\.?$`)"


def _text(**http: dict[str, Any]) -> str:
    return MARK + _dump({"http": http})


def _dump(document: dict[str, Any]) -> str:
    return str(yaml.dump(document, Dumper=_Plain, sort_keys=False))


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: people read these files."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True
