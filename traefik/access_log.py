"""Lines of Traefik's access log (format json) as typed entries.

Pure: bytes in, values out. Whole blocks are decoded at once, since that is several times cheaper
than line by line; only a block with something odd in it goes the slow way. Both ways give the same
entries, so it makes no difference where a block was cut, as long as it was cut at line ends.

Fields: https://doc.traefik.io/traefik/observe/logs-and-access-logs/ (names unchanged since v2;
whatever else a line has is passed over).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_Moment = Annotated[datetime, Meta(tz=True)]
# Bounds, so that no line can make a sum that JSON can't hold.
_Bytes = Annotated[int, Meta(ge=0, le=2**45)]
_Nanoseconds = Annotated[int, Meta(ge=0, le=2**62)]
# The same for moments: what lies outside no clock has told, and its end might be no date.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class Entry(Struct, frozen=True, gc=False, kw_only=True):
    """One request that has ended. Fields stand in the log's own order, which decodes faster."""

    size_bytes: _Bytes = msgspec.field(name="DownstreamContentSize", default=0)
    status: int = msgspec.field(name="DownstreamStatus", default=0)  # 0: a WebSocket
    duration_ns: _Nanoseconds = msgspec.field(name="Duration", default=0)
    number: int = msgspec.field(name="RequestCount", default=0)  # contiguous per Traefik process
    host: str = msgspec.field(name="RequestHost", default="")  # as the client wrote it
    path: str = msgspec.field(name="RequestPath", default="")
    service: str = msgspec.field(name="ServiceName", default="")  # who answered; "": Traefik itself
    start: _Moment = msgspec.field(name="StartUTC")
    agent: str = msgspec.field(name="request_User-Agent", default="")


class _Sparse(Entry, frozen=True, gc=False, kw_only=True):
    """The same where StartUTC was dropped; `time`, when the line was written, can't be."""

    start: _Moment | None = msgspec.field(name="StartUTC", default=None)  # type: ignore[assignment]
    local: _Moment | None = msgspec.field(name="StartLocal", default=None)
    time: _Moment | None = None


@dataclass(slots=True)
class Parsed:
    """What a block of lines holds."""

    entries: list[Entry]
    bad: list[bytes] = field(default_factory=list)  # lines and torn pieces that are no entry
    first: datetime = field(init=False)  # when the first of the entries began
    last: datetime = field(init=False)  # and the last

    def __post_init__(self) -> None:
        starts = [entry.start for entry in self.entries]
        self.first, self.last = min(starts, default=_EARLIEST), max(starts, default=_EARLIEST)

    def newer_than(self, moment: datetime) -> Parsed:
        """Leave the entries out that began earlier, or just then."""
        return Parsed([entry for entry in self.entries if entry.start > moment], self.bad)


_fast = msgspec.json.Decoder(Entry)
_sparse = msgspec.json.Decoder(_Sparse)
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def parse(block: bytes | memoryview) -> Parsed:
    """Decode a block of whole lines. Never raises.

    The decoder takes records one after the other, whatever stands between them. Lines that are
    whole and lines that are torn anywhere come to the same line by line: no torn line and what
    follows it is one record.
    """
    try:
        parsed = Parsed(_fast.decode_lines(block))
    except _FAULTS:
        return _line_by_line(bytes(block))
    if parsed.first < _EARLIEST or parsed.last > _LATEST:
        return _line_by_line(bytes(block))
    return parsed


def looks_common(line: bytes) -> bool:
    """Whether a bad line is of the `common` format, which names no host and is of no use."""
    return not line.startswith(b"{") and b" [" in line and b'] "' in line


def _line_by_line(block: bytes) -> Parsed:
    entries: list[Entry] = []
    bad: list[bytes] = []
    for line in block.split(b"\n"):
        if line.strip() and not _take(line, entries):
            bad += [piece for piece in _pieces(line) if not _take(piece, entries)]
    return Parsed(entries, bad)


def _take(line: bytes, entries: list[Entry]) -> bool:
    entry = _entry(line)
    if entry is not None:
        entries.append(entry)
    return entry is not None


def _pieces(line: bytes) -> Iterator[bytes]:
    """Take a torn line apart from the whole one that was glued to it.

    `{"` can't stand inside a JSON string, so every line of Traefik's begins at one.
    """
    start = 0
    while start < len(line):
        end = line.find(b'{"', start + 1)
        end = end if end >= 0 else len(line)
        yield line[start:end]
        start = end


def _entry(line: bytes) -> Entry | None:
    try:
        entry: Entry | None = _fast.decode(line)
    except _FAULTS:
        entry = _sparse_entry(line)
    return entry if entry and _EARLIEST <= entry.start <= _LATEST else None


def _sparse_entry(line: bytes) -> Entry | None:
    try:
        return _whole(_sparse.decode(line))
    except _FAULTS:
        return None


def _whole(sparse: _Sparse) -> Entry | None:
    """Fill in the start. A line with `time` alone counts as a moment: the one of its end."""
    if sparse.start is not None:
        return None  # a line with a StartUTC has been tried already
    start, duration_ns = sparse.local, sparse.duration_ns
    if start is None:
        start, duration_ns = sparse.time, 0
    if start is None or not sparse.host:
        return None
    return Entry(
        size_bytes=sparse.size_bytes,
        status=sparse.status,
        duration_ns=duration_ns,
        number=sparse.number,
        host=sparse.host,
        path=sparse.path,
        service=sparse.service,
        start=start,
        agent=sparse.agent,
    )
