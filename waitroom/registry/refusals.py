"""What is refused of what containers announce, said in the log once.

A group comes and goes one container after the other: for as long as it takes to stop one, its
database may be there without its app. So only what lasts is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

_LASTS_S = 15.0  # longer than Docker's grace for a container that is stopped


class Refusals:
    """What was refused at the last looks, and which of it was said."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._said: set[str] = set()

    def look(self, refused: Sequence[str]) -> None:
        """Say what has been refused for long enough by now, unless it was said."""
        now = self._clock()
        self._since = {line: self._since.get(line, now) for line in refused}
        last = {line for line, since in self._since.items() if now - since >= _LASTS_S}
        for line in refused:
            if line in last - self._said:
                log.error("%s", line)
        self._said = last
