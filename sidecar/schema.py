"""The JSON Schema of activity.json and of the archive's files: `python -m sidecar schema`.

It is made from the very types that are written and read; sidecar/activity.schema.json is its
output, and a test holds the two together.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from sidecar.log.positions import Position
from sidecar.record.counts import HostCount
from waitroom.record.occurrence import Event
from waitroom.record.rows import Day, Row

_TITLE = "activity.json and archive/YYYY-MM.json of waitroom"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class File(Struct):
    """Tables of TinyDB: documents by their ids. Those not named here are the sidecar's own."""

    hosts: dict[str, HostCount] = {}
    events: dict[str, Event] = {}
    hours: dict[str, Row] = {}
    days: dict[str, Day] = {}  # only in the archive: days whose hours are not kept
    positions: dict[str, Position] = {}


def schema() -> str:
    """Return it as JSON."""
    made: dict[str, Any] = {"$schema": _DIALECT, "title": _TITLE, **msgspec.json.schema(File)}
    return msgspec.json.format(msgspec.json.encode(made)).decode()
