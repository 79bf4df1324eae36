"""The canary: a request through Traefik that tells where a host's requests lead now.

The sidecar sends it to prove that a shadow is in force and that the access log is being written
and read; the waiting room sends it to learn when a host's own route is back.
"""

from __future__ import annotations

import enum
import secrets
import time
from dataclasses import dataclass

import requests

PATH = "/.waitroom/canary/"
AGENT = "waitroom-canary/"
_TIMEOUT_S = 2.0
_PATIENCE_S = 2.0
_PAUSE_S = 0.03


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


def send(traefik_url: str, name: str) -> Echo:
    """Send one canary for a host through Traefik."""
    nonce = secrets.token_hex(8)
    return Echo(nonce, _leads(traefik_url, name, nonce))


def comes_to_lead(traefik_url: str, name: str, wanted: Leads) -> bool:
    """Wait up to two seconds until a host's requests lead where they are wanted."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        if send(traefik_url, name).leads is wanted:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)


def answers_418(traefik_url: str, name: str) -> bool:
    """Whether Traefik has read the route file with this proof (traefik.routes.render_proof)."""
    try:
        with _session() as session:
            answer = session.get(traefik_url, headers={"Host": name}, timeout=_TIMEOUT_S)
    except (requests.RequestException, OSError):
        return False
    return bool(answer.status_code == requests.codes.im_a_teapot)


def _leads(traefik_url: str, name: str, nonce: str) -> Leads:
    headers = {"Host": name, "User-Agent": AGENT + nonce, "Connection": "close"}
    try:
        with _session() as session:
            answer = session.get(
                traefik_url + PATH + nonce,
                headers=headers,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
    except (requests.RequestException, OSError):
        return Leads.NOWHERE
    ours = answer.status_code == requests.codes.no_content and "X-Waitroom" in answer.headers
    return Leads.HERE if ours else Leads.ELSEWHERE


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no HTTP proxy between us and Traefik
    return session
