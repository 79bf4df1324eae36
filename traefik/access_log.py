"""Lines of Traefik's access log (format json) as typed entries.

Pure: bytes in, values out. Whole blocks are decoded at once, since that is several times cheaper
than line by line; only a block with something odd in it goes the slow way. Both ways give the same
entries, so it makes no difference where a block was cut, as long as it was cut at line ends.

Fields: https://doc.traefik.io/traefik/observe/logs-and-access-logs/ (names unchanged since v2;
whatever else a line has is passed over).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_Moment = Annotated[datetime, Meta(tz=True)]
# Bounds, so that no line can make a sum that JSON can't hold.
_Bytes = Annotated[int, Meta(ge=0, le=2**45)]
_Nanoseconds = Annotated[int, Meta(ge=0, le=2**62)]


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
        return Parsed(_fast.decode_lines(block))
    except _FAULTS:
        return _line_by_line(bytes(block))


def looks_common(line: bytes) -> bool:
    """Whether a bad line is of the `common` format, which names no host and is of no use."""
    return not line.startswith(b"{") and b" [" in line and b'] "' in line


def _line_by_line(block: bytes) -> Parsed:
    parsed = Parsed([])
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            _pieces(line, parsed)
        else:
            parsed.entries.append(entry)
    return parsed


def _pieces(line: bytes, parsed: Parsed) -> None:
    """Take a torn line apart from the whole one that was glued to it.

    `{"` can't stand inside a JSON string, so every line of Traefik's begins at one.
    """
    start = 0
    while start < len(line):
        end = line.find(b'{"', start + 1)
        piece = line[start : end if end >= 0 else len(line)]
        entry = _entry(piece)
        if entry is None:
            parsed.bad.append(piece)
        else:
            parsed.entries.append(entry)
        start += len(piece)


def _entry(line: bytes) -> Entry | None:
    try:
        return _fast.decode(line)
    except _FAULTS:
        pass
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
