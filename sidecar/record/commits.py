"""How the commits of activity.json have gone since this process began."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Commits:
    """The recorder's thread counts, any may look."""

    done: int = 0
    took_s: float = 0.0  # all of them together
    failed: int = 0
    failing: bool = False  # the last one has failed

    def take(self, commit: Callable[[], None], path: Path) -> bool:
        """Try one; False when the disk refuses, which is said once."""
        began_s = time.monotonic()
        try:
            commit()
        except OSError as error:
            if not self.failing:
                log.error("%s: can't be written, trying again: %s", path, error.strerror)
            self.failed += 1
            self.failing = True
            return False
        if self.failing:
            log.info("%s: is written again", path)
        self.done += 1
        self.took_s += time.monotonic() - began_s
        self.failing = False
        return True
