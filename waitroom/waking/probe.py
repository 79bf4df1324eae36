"""Readiness: whether an app answers a real HTTP request, asked directly and not through Traefik."""

from __future__ import annotations

import requests

from waitroom.direct import session
from waitroom.registry.hosts import Front, Host

_CONNECT_S = 1.0
_READ_S = 5.0


def answers(host: Host, front: Front) -> bool:
    """Whether an app of the host gives an acceptable answer at its url now."""
    # The connection is closed at once: to the sleep handshake an idle one looks like a visitor.
    headers = {"Host": front.names[0], "User-Agent": "waitroom-probe", "Connection": "close"}
    try:
        with session() as direct, direct.get(
            f"{front.url}{host.ready.path}", headers=headers, timeout=(_CONNECT_S, _READ_S),
            allow_redirects=False, stream=True,
        ) as answer:  # fmt: skip
            return host.ready.accepts(answer.status_code)
    except (requests.RequestException, OSError):
        return False
