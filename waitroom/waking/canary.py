"""The canary: a request through Traefik that tells where a host's requests lead now.

The sidecar sends it to prove that a shadow is in force and that the access log is being written
and read; the waiting room sends it to learn when a host's own route is back. It goes through every
entry point that carries visitors, since a router may be in force at one and not at another.
"""

from __future__ import annotations

import enum
import http.client
import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

PATH = "/.waitroom/canary/"
AGENT = "waitroom-canary/"
_TIMEOUT_S = 2.0
_PATIENCE_S = 2.0
_PAUSE_S = 0.03
_GONE = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
_SHOWN_CHARACTERS = 100


class Leads(enum.StrEnum):
    """Where a host's requests lead."""

    HERE = "to the waiting room"
    ELSEWHERE = "past the waiting room"
    NOWHERE = "nowhere: Traefik does not answer"


@dataclass(frozen=True, slots=True)
class Echo:
    """What became of one canary."""

    nonce: str  # stands in the path and in the user agent, whichever the access log keeps
    leads: Leads


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    is_ours: bool
    location: str


def send(traefik_url: str, name: str) -> Echo:
    """Send one canary for a host through one entry point of Traefik."""
    nonce = secrets.token_hex(8)
    answer = _ask(traefik_url, name, PATH + nonce, AGENT + nonce)
    if answer is None:
        return Echo(nonce, Leads.NOWHERE)
    here = answer.status == HTTPStatus.NO_CONTENT and answer.is_ours
    return Echo(nonce, Leads.HERE if here else Leads.ELSEWHERE)


def comes_to_lead(traefik_urls: Sequence[str], name: str, wanted: Leads) -> bool:
    """Wait up to two seconds until a host's requests lead where they are wanted.

    Past the waiting room they lead as soon as they do at any entry point: Traefik turns all at
    once, and the host's own route may be at one of them only.
    """
    turned = any if wanted is Leads.ELSEWHERE else all
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        if turned(send(url, name).leads is wanted for url in traefik_urls):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)


def reaches_nobody(traefik_url: str) -> bool:
    """Whether Traefik does not reach the waiting room, asked by a name that nobody has."""
    answer = _ask(traefik_url, f"{secrets.token_hex(8)}.invalid", "/", AGENT + "reach")
    return answer is None or (answer.status in _GONE and not answer.is_ours)


def silent(traefik_url: str) -> str:
    """Say that Traefik does not answer there, and what to do."""
    return (
        f"WAITROOM_TRAEFIK_URL: Traefik does not answer at {traefik_url}; start it, or name an"
        " entry point of it"
    )


def unread(traefik_url: str, name: str) -> str | None:
    """Return why the route file with this proof is not in force (traefik.routes), or None."""
    answer = _ask(traefik_url, name, "/", AGENT + "proof")
    if answer is None:
        return silent(traefik_url)
    if answer.status == HTTPStatus.IM_A_TEAPOT:
        return None
    if answer.location:
        to = answer.location.replace(name, "HOST")[:_SHOWN_CHARACTERS]
        return (
            f"WAITROOM_TRAEFIK_URL: {traefik_url} redirects to {to}; name the entry points that"
            " serve the apps"
        )
    return (
        f"WAITROOM_ROUTES: what we write is not in force at {traefik_url}:"
        " providers.file.directory must be WAITROOM_ROUTES, with watch: true, and the entry point"
        " one that routers get who name none (where one has asDefault, all that carry visitors"
        " need it); one with http.tls is https:// in WAITROOM_TRAEFIK_URL"
    )


def _ask(traefik_url: str, name: str, path: str, agent: str) -> _Answer | None:
    """Ask for a path of a host; None without an answer.

    Straight to Traefik, whatever proxies the environment names, and no redirect is followed.
    """
    headers = {"Host": name, "User-Agent": agent, "Connection": "close"}
    connection = _connection(traefik_url)
    try:
        connection.connect()
        if traefik_url.startswith("https:"):
            connection.sock = _unverified().wrap_socket(connection.sock, server_hostname=name)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        location = answer.getheader("Location", "")
        return _Answer(answer.status, answer.getheader("X-Waitroom") is not None, location)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return http.client.HTTPConnection(parts.hostname or "", port, timeout=_TIMEOUT_S)


def _unverified() -> ssl.SSLContext:
    """Trust any certificate: it is our own Traefik, and the nonce proves more than a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default one reads all roots, for 20 ms
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
