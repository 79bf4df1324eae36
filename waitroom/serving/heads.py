"""Heads of requests, as far as they are looked at before they are parsed. Pure."""

from __future__ import annotations

import re

from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request

HEAD_BYTES = 65_536
_NON_ASCII = re.compile(rb"[\x80-\xff]")


def is_whole(request: bytes) -> bool:
    """Whether the parser finds a head's end, or a fault in it, without waiting for more."""
    return b"\r\n\r\n" in request or request.count(b"\n") != request.count(b"\r\n")


def escaped(request: bytes) -> bytes:
    """Write as %XX in a URL what is no ASCII: Traefik passes it on, and the parser refuses it."""
    line, end, rest = request.partition(b"\r\n")
    return _NON_ASCII.sub(lambda byte: b"%%%02X" % ord(byte[0]), line) + end + rest


def is_body_here(request: Request) -> bool:
    """Whether a request's body, if it has one, came in one piece with its head."""
    reader = request.body.reader if request.body else None
    here = len(request.unreader.buf.getvalue())
    return isinstance(reader, LengthReader) and reader.length <= here
