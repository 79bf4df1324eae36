"""Which user agents are machines on their rounds: crawlers, monitors, link previews, health checks.

Pure. Such a request neither wakes a host nor keeps it awake. A person's own program (curl, an API
client, a browser under remote control) is no such machine: a host that serves it is in use.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]  # it has none

# A search takes 0.1 ms, and an access log says the same few thousand agents over and over.
_REMEMBERED = 4096
# What the list calls these is as often somebody's own program.
_OWN_PROGRAMS = frozenset({"http-library", "browser-automation"})
# Not in the list: those who ask whether it is up, and a scanner.
_PROBES = ("kube-probe/", "GoogleHC/", "ELB-HealthChecker/", "Traefik", "Nuclei")


@lru_cache(_REMEMBERED)
def is_machine(user_agent: str) -> bool:
    """Whether a User-Agent header names a known crawler, monitor or preview."""
    return user_agent.startswith(_PROBES) or any(p.search(user_agent) for p in _patterns())


@cache
def _patterns() -> list[re.Pattern[str]]:
    """Make few patterns of the many in the list: 20 at a time are searched fastest by far."""
    known = [
        entry["pattern"]
        for entry in CRAWLER_USER_AGENTS_DATA
        if not _OWN_PROGRAMS.issuperset(entry["tags"])
    ]
    return [re.compile("|".join(known[i : i + 20])) for i in range(0, len(known), 20)]
