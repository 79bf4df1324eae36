"""How the commits of activity.json have gone since this process began."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Commits:
    """The recorder's thread counts, any may look."""

    done: int = 0
    took_s: float = 0.0  # all of them together
    failed: int = 0
    failing: bool = False  # the last one has failed
