"""Which user agents are machines: crawlers, monitors, link previews.

Pure. A machine's request neither wakes a host nor keeps it awake.
"""

from __future__ import annotations

from functools import lru_cache

import crawleruseragents  # type: ignore[import-untyped]  # it has no annotations

# Asking the list takes 0.1 ms, and an access log says the same few thousand agents over and over.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def is_machine(user_agent: str) -> bool:
    """Whether a User-Agent header names a known crawler or monitor."""
    return bool(crawleruseragents.is_crawler(user_agent))
