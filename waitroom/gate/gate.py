"""The gate: whether a request may wake its host, and what its visitor has to do for it. Pure.

A wake costs money, so a request of nobody wakes nothing: what a browser fetches by itself, what
asks without wanting the answer, and machines on their rounds get an honest 503 and no challenge.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from dataclasses import dataclass

from waitroom.gate import agents
from waitroom.gate.agents import Agent
from waitroom.registry import values
from waitroom.registry.hosts import Host
from waitroom.registry.values import Gate

# Methods that ask for no content. OPTIONS comes from browsers on behalf of other pages.
_HOLLOW = frozenset({"HEAD", "OPTIONS", "TRACE"})
# Sec-Fetch-Dest of what a person sees as a page, and of what a page's script asks for.
_PAGE, _SCRIPTED = "document", "empty"


class Caller(enum.StrEnum):
    """Who is behind a request."""

    PERSON = "person"  # at a browser, opening a page
    PROGRAM = "program"  # somebody's own: curl, an API client, the script of a page
    NOBODY = "nobody"  # a machine on its rounds, or a browser's errand


class Trust(enum.StrEnum):
    """What a request has to show."""

    NONE = "none"
    NETWORK = "network"  # comes from where no challenge is asked for
    TOKEN = "token"  # noqa: S105 - one of the host's tokens, as Authorization: Bearer


class Admission(enum.StrEnum):
    """What stands between a request and a wake."""

    NOW = "now"  # nothing: this very request wakes
    FREE = "free"  # the page asks for the wake by itself
    WORK = "work"  # the page asks by itself, when its script has done some work
    CLICK = "click"  # a person has to press the button; then the same
    CHESS = "chess"  # a puzzle
    BROWSER = "browser"  # a program is told that it takes one, or a token
    NONE = "none"  # a request of nobody is offered nothing
    CLOSED = "closed"


_ADMISSIONS = {
    Gate.VISIT: Admission.WORK,
    Gate.CLICK: Admission.CLICK,
    Gate.CHESS: Admission.CHESS,
    Gate.OPEN: Admission.NOW,
    Gate.CLOSED: Admission.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request says of itself, as far as it matters here; a header not sent is empty."""

    method: str = "GET"
    path: str = "/"
    agent: str = ""  # User-Agent
    purpose: str = ""  # Sec-Purpose, or Purpose and X-Moz, which came before it
    dest: str = ""  # Sec-Fetch-Dest; absent on plain HTTP
    mode: str = ""  # Sec-Fetch-Mode
    site: str = ""  # Sec-Fetch-Site, or what Origin says in its place

    @property
    def is_foreign(self) -> bool:
        """Whether a page of another site asks, in the name of whoever looks at it."""
        return self.site not in ("", "none", "same-origin")

    @property
    def is_forged(self) -> bool:
        """Whether a page of another site sends a form or has its script ask, and no mere link."""
        is_link = self.method == "GET" and self.mode in ("", "navigate")
        return self.site == "cross-site" and not is_link


def caller(facts: Facts) -> Caller:
    """Tell who is behind a request."""
    agent = agents.kind(facts.agent)
    ahead = "prefetch" in facts.purpose or "preview" in facts.purpose
    errand = ahead or facts.method in _HOLLOW or facts.path.startswith(agents.ERRAND_PATHS)
    if agent is Agent.MACHINE or errand or facts.dest not in ("", _PAGE, _SCRIPTED):
        return Caller.NOBODY
    scripted = facts.dest == _SCRIPTED or facts.mode not in ("", "navigate")
    return Caller.PROGRAM if scripted or agent is Agent.PROGRAM else Caller.PERSON


def trust(host: Host, address: str, bearer: str) -> Trust:
    """Tell what a request from this address with this token is worth to a host."""
    digest = hashlib.sha256(bearer.encode()).hexdigest()
    if bearer and any(hmac.compare_digest(digest, token) for token in host.tokens):
        return Trust.TOKEN
    ip = values.address(address)
    return Trust.NETWORK if ip and any(ip in network for network in host.allow) else Trust.NONE


def admission(gate: Gate, caller: Caller, trust: Trust) -> Admission:
    """Tell what is between a request and the wake of a host with this gate."""
    if caller is Caller.NOBODY:
        return Admission.NONE
    if trust is Trust.TOKEN:
        return Admission.NOW
    given = _ADMISSIONS[gate]
    if given in (Admission.NOW, Admission.CLOSED):
        return given
    if trust is Trust.NETWORK:
        return Admission.FREE
    return Admission.BROWSER if caller is Caller.PROGRAM else given
