"""The JSON Schema of activity.json and of the archive's files: `python -m sidecar schema`.

It is made from the very types that are written and read; sidecar/activity.schema.json is its
output, and a test holds the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sidecar.hours import Day, Row
from sidecar.occurrence import Event
from sidecar.positions import Position

_Count = Annotated[int, Meta(ge=0)]
_Moment = Annotated[datetime, Meta(tz=True)]
_TITLE = "activity.json and archive/YYYY-MM.json of waitroom"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class ByStatus(Struct, forbid_unknown_fields=True):
    """Requests by the status that they were answered with."""

    informed: _Count = msgspec.field(name="1xx")
    done: _Count = msgspec.field(name="2xx")
    moved: _Count = msgspec.field(name="3xx")
    wrong: _Count = msgspec.field(name="4xx")
    broken: _Count = msgspec.field(name="5xx")
    other: _Count  # such as 0, a WebSocket


class HostDocument(Struct, forbid_unknown_fields=True):
    """What was ever counted of one host."""

    host: str
    requests: _Count  # answered by its own service
    activity: _Count  # those of them that count as use
    waiting: _Count  # answered by the waiting room
    first_activity: _Moment | None
    last_activity: _Moment | None
    by_status: ByStatus
    bytes_out: _Count


class File(Struct):
    """Tables of TinyDB: documents by their ids. Those not named here are the sidecar's own."""

    hosts: dict[str, HostDocument] = {}
    events: dict[str, Event] = {}
    hours: dict[str, Row] = {}
    days: dict[str, Day] = {}  # only in the archive: days whose hours are not kept
    positions: dict[str, Position] = {}


def schema() -> str:
    """Return it as JSON."""
    made: dict[str, Any] = {"$schema": _DIALECT, "title": _TITLE, **msgspec.json.schema(File)}
    return msgspec.json.format(msgspec.json.encode(made)).decode()
