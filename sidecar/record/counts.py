"""What was ever counted of each host: a document of the table `hosts`.

Pure. The values that are counted up are the very documents, which are written 10,000 at a commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=0)]
_Moment = Annotated[datetime, Meta(tz=True)]
_STATUSES = ("other", "informed", "done", "moved", "wrong", "broken")


class ByStatus(Struct):
    """Requests by the status that they were answered with."""

    informed: _Count = msgspec.field(name="1xx")
    done: _Count = msgspec.field(name="2xx")
    moved: _Count = msgspec.field(name="3xx")
    wrong: _Count = msgspec.field(name="4xx")
    broken: _Count = msgspec.field(name="5xx")
    other: _Count  # such as 0, a WebSocket

    def add(self, status: int, requests: int) -> None:
        """Add requests that were answered with this status."""
        known = 100 <= status <= 599  # noqa: PLR2004 - HTTP's range
        name = _STATUSES[status // 100 if known else 0]
        setattr(self, name, getattr(self, name) + requests)


class HostCount(Struct, forbid_unknown_fields=True):
    """What was ever counted of one host."""

    host: str
    requests: _Count  # answered by its own service
    activity: _Count  # those of them that count as use
    waiting: _Count  # answered by the waiting room
    first_activity: _Moment | None
    last_activity: _Moment | None
    by_status: ByStatus
    bytes_out: _Count

    @classmethod
    def none(cls, host: str) -> HostCount:
        """Begin to count."""
        return cls(host, 0, 0, 0, None, None, ByStatus(0, 0, 0, 0, 0, 0), 0)

    def see(self, first: datetime, last: datetime) -> None:
        """Take in the ends of the first and the last of some activity."""
        self.first_activity = min(first, self.first_activity or first)
        self.last_activity = max(last, self.last_activity or last)


def load(documents: Iterable[Mapping[str, Any]]) -> list[HostCount]:
    """Read a table; what a newer version knows of a host besides stays in its document.

    Raises: msgspec.ValidationError on a foreign one.
    """
    return [msgspec.convert(document, _type_of(document)) for document in documents]


def _type_of(document: Mapping[str, Any]) -> type[HostCount]:
    newer = document.keys() - set(HostCount.__struct_encode_fields__)
    if not newer:
        return HostCount
    fields = [(f"newer_{n}", Any, msgspec.field(name=name)) for n, name in enumerate(newer)]
    return cast("type[HostCount]", msgspec.defstruct("HostCount", fields, bases=(HostCount,)))
