"""The sidecar's heartbeat: the file that says that it watches, and since when.

The sidecar writes it; the health check, `explain` and the dashboard go by it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

_FRESH = timedelta(seconds=30)  # what the health check of the compose stack allows


class Heartbeat:
    """The file of one data folder. What can't be read is no beat."""

    def __init__(self, data: Path) -> None:
        self._path = data / "sidecar.alive"

    def begin(self, since: datetime) -> None:
        """Leave word since when the sidecar watches: before that, nothing is known."""
        self._path.write_text(since.isoformat(), "ascii")

    def beat(self) -> None:
        """Show that it still does."""
        self._path.touch()

    def last(self) -> datetime | None:
        """Return when a sidecar has last watched; None if none has."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    def is_fresh(self, now: datetime) -> bool:
        """Whether a sidecar has given a sign of life just now."""
        last = self.last()
        return last is not None and now - last < _FRESH

    def since(self) -> datetime | None:
        """Return since when the sidecar watches that was the last to begin; None if none has."""
        try:
            return datetime.fromisoformat(self._path.read_text("ascii"))
        except (OSError, ValueError):
            return None
