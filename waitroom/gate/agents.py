"""What kind of program a request comes from, by its user agent and path.

Pure. The one definition for the gate, which wakes for people, and for the sidecar, which counts
what keeps a host awake. A machine on its rounds (crawler, monitor, link preview, health check,
scanner) does neither. Somebody's own program (curl, an API client) is use of an app that is awake,
but nobody at a page: it wakes a host only where it is known or the gate is open.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]  # it has none

# A search takes 0.1 ms, and an access log says the same few thousand agents over and over.
_REMEMBERED = 4096
# What the list calls these is as often somebody's own program.
_OWN_PROGRAMS = frozenset({"http-library", "browser-automation"})
# Not in the list: those who ask whether it is up, and a scanner.
_PROBES = ("kube-probe/", "GoogleHC/", "ELB-HealthChecker/", "Traefik", "Nuclei")
# Programs that the list lacks, as their agents begin.
_LIBRARIES = (
    "Wget", "Dart/", "Deno/", "Bun/", "Faraday", "GuzzleHttp", "Java/", "PostmanRuntime/", "Ruby",
    "insomnia/", "node", "reqwest/", "rest-client/", "undici", "xh/", "PowerShell", "git/",
)  # fmt: skip
# What browsers, crawlers and proxies ask for by themselves, with nobody wanting to see it.
# Few, as each costs the sidecar 15 ns a line of the log.
ERRAND_PATHS = ("/favicon.ico", "/robots.txt", "/.well-known/", "/apple-touch-icon")


class Agent(enum.StrEnum):
    """What a User-Agent header speaks for."""

    BROWSER = "browser"
    PROGRAM = "program"  # somebody's own: curl, a library, a script
    MACHINE = "machine"  # on its rounds


@lru_cache(_REMEMBERED)
def kind(user_agent: str) -> Agent:
    """Return what the header speaks for; what nobody knows is a browser, what is empty is none."""
    if is_machine(user_agent):
        return Agent.MACHINE
    plain = not user_agent.strip() or user_agent.startswith(_LIBRARIES)
    return Agent.PROGRAM if plain or _matches("libraries", user_agent) else Agent.BROWSER


@lru_cache(_REMEMBERED)
def is_machine(user_agent: str) -> bool:
    """Whether a User-Agent header names a known crawler, monitor or preview."""
    return user_agent.startswith(_PROBES) or _matches("machines", user_agent)


def _matches(which: str, user_agent: str) -> bool:
    return any(pattern.search(user_agent) for pattern in _patterns()[which])


@cache
def _patterns() -> dict[str, list[re.Pattern[str]]]:
    entries = [(e["pattern"], frozenset(e["tags"])) for e in CRAWLER_USER_AGENTS_DATA]
    return {
        "machines": _joined(p for p, tags in entries if not tags <= _OWN_PROGRAMS),
        "libraries": _joined(p for p, tags in entries if tags == {"http-library"}),
    }


def _joined(patterns: Iterable[str]) -> list[re.Pattern[str]]:
    """Make few patterns of many: 20 at a time are searched fastest by far."""
    known = list(patterns)
    return [re.compile("|".join(known[i : i + 20])) for i in range(0, len(known), 20)]
