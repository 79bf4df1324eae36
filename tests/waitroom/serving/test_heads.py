from __future__ import annotations

import contextlib

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from waitroom.serving.heads import escaped, is_whole

CONFIG = Config()
CONFIG.set("limit_request_line", 0)
pieces = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"GET / HTTP/1.1\r\n", b"POST /", b" HTTP/1.0", b"Host: a\r\n", b": ", b" ",
     b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"abc", b"\xc3\xa9", b"0\r\n\r\n", b"\0"]
) | st.binary(max_size=5)  # fmt: skip


class Waited(Exception):  # noqa: N818 - what happened
    """The parser wanted more than there was."""


class Silent:
    """A client that says nothing more."""

    def recv(self, _most: int) -> bytes:
        raise Waited


@given(st.lists(pieces, max_size=12).map(b"".join))
def test_the_parser_waits_for_nothing_that_is_not_here_when_a_head_is_whole(
    request_: bytes,
) -> None:
    parser = RequestParser(CONFIG, Silent(), ("192.0.2.1", 1))
    parser.unreader.unread(escaped(request_))
    if is_whole(request_):
        with contextlib.suppress(ParseException, StopIteration):
            next(parser)
    elif request_:
        with pytest.raises((Waited, ParseException)):
            next(parser)
