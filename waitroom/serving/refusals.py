"""What is answered to bytes that are no request, or none that we take: one line, marked as ours."""

from __future__ import annotations

from http import HTTPStatus

from gunicorn.http import errors

_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


def status(error: BaseException) -> HTTPStatus:
    """Return what an error of the parser's means to the client."""
    return _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)


def answer(status: HTTPStatus) -> bytes:
    """Return the whole answer. Its connection is to be closed."""
    line = f"{status.phrase}\n"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nX-Waitroom: unknown\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(line)}\r\n\r\n{line}"
    ).encode()
