"""How all hosts stood as a month began: so that who asks about a month need not read those before.

Pure: values only. It stands in the month's file of the archive, and holds as long as no event that
was recorded after it belongs into an earlier month; whoever writes the archive sees to that. Files
of older versions have none.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Opening(Struct, frozen=True):
    """What the ledger knew then."""

    last_id: int  # of the events that it knew
    ledger: dict[str, Any]
