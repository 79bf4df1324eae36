"""The demonstration app's HTTP side; `app` says what it offers and why.

It is what one would never put on the internet: it serves whoever asks, as long as he asks.
"""

from __future__ import annotations

import base64
import hashlib
import html
import socketserver
import struct
import sys
import time
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

MAX_SLOW_S = 3600.0
MAX_BODY_BYTES = 1 << 30
MAX_ECHO_BYTES = 16 << 20
CHUNK_BYTES = 1024
CHUNK_EVERY_S = 0.05  # with CHUNK_BYTES: about 20 KB/s

MAX_FRAME_BYTES = 1 << 20
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
CLOSE, PING, PONG = 0x8, 0x9, 0xA  # opcodes that are not simply sent back

# The empty icon keeps a browser from asking for /favicon.ico.
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{host} is awake</title><link rel="icon" href="data:,">
<h1>Hello from {host}</h1>
<p>You asked for <code id="url">{path}</code> at <time>{now}</time>.</p>
<p>Leave me alone for a while and I fall asleep; come back and I wake up.</p>
</html>
"""


class Server(socketserver.ThreadingTCPServer):
    """A thread a connection; a plain TCPServer, as HTTPServer asks the DNS for its own name."""

    allow_reuse_address = True
    daemon_threads = True  # open connections don't hold up the end
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about clients that went away, and tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed's own union, passed on


class Handler(BaseHTTPRequestHandler):
    """One connection; keep-alive, as Traefik speaks to a real app."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer what the module lists; every other path is the page."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        match url.path:
            case "/slow":
                self._slow(query)
            case "/download":
                self._download(query)
            case "/ws":
                self._websocket()
            case _:
                self._page()

    def do_HEAD(self) -> None:
        """Answer with the page's head, as monitors ask for it."""
        self._page()

    def do_POST(self) -> None:
        """Send the body back once all of it is here: few proxies pass on both ways at a time."""
        length = self.headers.get("Content-Length", "")
        if urlsplit(self.path).path != "/echo":
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not (length.isascii() and length.isdigit()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > MAX_ECHO_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            kind = self.headers.get("Content-Type", "application/octet-stream")
            body = self.rfile.read(int(length))
            self._head(kind, len(body))
            self.wfile.write(body)

    def log_message(self, *_args: object, **_kwargs: object) -> None:
        """Log nothing: the line would hold the visitor's address."""

    def _head(self, content_type: str, length: int) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _page(self) -> None:
        values = {
            "host": self.headers.get("Host", "the demo app"),
            "path": self.path,
            "now": f"{datetime.now(UTC):%H:%M:%S} UTC",
        }
        page = PAGE.format_map({name: html.escape(value) for name, value in values.items()})
        body = page.encode()
        self._head("text/html; charset=utf-8", len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _slow(self, query: dict[str, list[str]]) -> None:
        seconds = self._number(query, "seconds", MAX_SLOW_S)
        if seconds is not None:
            time.sleep(seconds)
            body = f"slept {seconds:g} s\n".encode()
            self._head("text/plain", len(body))
            self.wfile.write(body)

    def _download(self, query: dict[str, list[str]]) -> None:
        size = self._number(query, "bytes", MAX_BODY_BYTES)
        if size is not None:
            left = int(size)
            self._head("application/octet-stream", left)
            while left:
                left -= self.wfile.write(b"." * min(CHUNK_BYTES, left))
                time.sleep(CHUNK_EVERY_S)

    def _number(self, query: dict[str, list[str]], name: str, top: float) -> float | None:
        """Take a number from 0 to `top` out of the query; a 400 is sent when there is none."""
        try:
            number = float(query[name][0])
        except (KeyError, ValueError):
            number = -1.0
        if 0 <= number <= top:  # false for NaN too
            return number
        self.send_error(HTTPStatus.BAD_REQUEST, explain=f"?{name}= is a number from 0 to {top:g}")
        return None

    def _websocket(self) -> None:
        """Shake hands (RFC 6455, section 4.2), then send every frame back until one side closes."""
        key = self.headers.get("Sec-WebSocket-Key")
        if key is None:
            self.send_error(HTTPStatus.BAD_REQUEST, explain="this is a WebSocket")
            return
        digest = hashlib.sha1(key.encode() + WEBSOCKET_GUID, usedforsecurity=False).digest()
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while self._echo_frame():
            pass

    def _echo_frame(self) -> bool:
        """Read one masked frame (section 5.2) and send it back; False after the last one."""
        head = self.rfile.read(2)
        if len(head) < 2:  # noqa: PLR2004 - the two bytes asked for
            return False
        first, length = head[0], head[1] & 0x7F
        if length == 126:  # noqa: PLR2004 - section 5.2: two bytes of length follow
            (length,) = struct.unpack("!H", self.rfile.read(2))
        elif length == 127:  # noqa: PLR2004 - section 5.2: eight do
            (length,) = struct.unpack("!Q", self.rfile.read(8))
        if length > MAX_FRAME_BYTES:
            self.wfile.write(_frame(0x80 | CLOSE, struct.pack("!H", 1009)))  # too big
            return False
        mask = self.rfile.read(4)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(length)))
        opcode = first & 0x0F
        if opcode == PING:
            first = 0x80 | PONG
        if opcode != PONG:
            self.wfile.write(_frame(first, payload))  # a close is answered with the same
        return opcode != CLOSE


def _frame(first: int, payload: bytes) -> bytes:
    """Put an unmasked frame together, as a server sends it."""
    length = len(payload)
    if length < 126:  # noqa: PLR2004 - section 5.2, as in _echo_frame
        return bytes([first, length]) + payload
    if length <= 0xFFFF:  # noqa: PLR2004 - what two bytes hold
        return bytes([first, 126]) + struct.pack("!H", length) + payload
    return bytes([first, 127]) + struct.pack("!Q", length) + payload
