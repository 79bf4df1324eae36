"""What a visitor's request says, read carefully: all of it was written by strangers.

Whatever is odd about it is nothing asked for, never an error. For use inside Flask's request.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from flask import request

from waitroom.gate.agents import ERRAND_PATHS, Agent, is_machine, kind
from waitroom.gate.gate import Facts
from waitroom.gate.visitors import visitor_address
from waitroom.registry.hosts import Counting, normalise
from waitroom.registry.values import Network

_FORMS = ("text/html", "application/problem+json", "application/json", "text/plain")
_NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Answer(msgspec.Struct):
    """The body of a wake or a move: a challenge, and what was done for it, if not nonsense."""

    token: str = ""
    work: str = ""  # see proof_of_work
    chosen: str = ""  # of chess: the square of the piece to move
    square: str = ""  # that was pressed
    back: str = ""  # the page that he came from to play


def form() -> str:
    """Return the media type that the client likes best of those we have.

    A program that asks us in JSON, and takes anything, reads JSON.
    """
    if _is_for_us() and request.is_json and not wants_page():
        return "application/json"
    return request.accept_mimetypes.best_match(_FORMS, default="text/html") or "text/html"


def wants_no_page() -> bool:
    """Whether a page would be wrong: also for a program that takes anything, such as curl."""
    program = kind(request.headers.get("User-Agent", "")) is Agent.PROGRAM
    return form() != "text/html" or (program and not wants_page())


def wants_page() -> bool:
    """Whether a browser asks for a page, and not its script, nor a program that takes anything."""
    return "text/html" in request.headers.get("Accept", "")


def languages() -> str:
    """Return the header Accept-Language."""
    return request.headers.get("Accept-Language", "")


def hostname() -> str:
    """Return the name that was asked for, as the client wrote it."""
    return str(request.environ.get("HTTP_HOST", ""))


def answer() -> Answer:
    """Return the answer of a form or a JSON body, empty without one."""
    try:
        if request.is_json:
            found = msgspec.json.decode(request.get_data(), type=Answer)
        else:
            found = msgspec.convert(request.form.to_dict(), Answer)
    except _NO_JSON:
        return Answer()
    return found if (found.token + found.work).isascii() else Answer()


def facts() -> Facts:
    """Return what the request says of who made it."""
    header = request.headers.get
    purposes = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
    return Facts(
        method=request.method,
        path=_raw_path(),
        agent=header("User-Agent", ""),
        purpose=" ".join(header(name, "") for name in purposes).lower(),
        dest=header("Sec-Fetch-Dest", "") or _dest(),
        mode=header("Sec-Fetch-Mode", ""),
        site=header("Sec-Fetch-Site", "") or _site(header("Origin", "")),
    )


def bearer() -> str:
    """Return the token of the header Authorization; it may as well be the app's own."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def here() -> str:
    """Return the URL that was asked for, for a redirect to itself on this very host.

    A path that begins with two slashes would be read as another host, so a dot goes before it.
    """
    path = _raw_path()
    return f"/.{path}" if path.startswith("//") else path


def way_back() -> str:
    """Return the page that the form names or was sent from, as a path of this host, with query."""
    try:
        parts = urlsplit(answer().back or request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


def is_use(counting: Counting) -> bool:
    """Whether this request would count as use of its host, and is no machine's on its rounds."""
    agent = request.headers.get("User-Agent", "")
    return not (
        is_machine(agent)
        or any(part in agent for part in counting.ignore_agents)
        or _raw_path().startswith((*ERRAND_PATHS, *counting.ignore_paths))
    )


def carries_something() -> bool:
    """Whether the app would have been sent more than a question."""
    return request.method not in ("GET", "HEAD", "OPTIONS") and not _is_for_us()


def address(trusted: Sequence[Network]) -> str:
    """Return the visitor's address, as far as proxies that we trust tell."""
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    return visitor_address(request.remote_addr or "", forwarded_for, trusted)


def _is_for_us() -> bool:
    """Whether no app is asked for, but the waiting room itself."""
    return request.path.startswith("/.waitroom/")


def _site(origin: str) -> str:
    """Return what Sec-Fetch-Site would say, which browsers leave out on plain HTTP."""
    if not origin:
        return ""
    try:
        name = urlsplit(origin).hostname or ""
    except ValueError:
        name = ""
    return "same-origin" if name and normalise(name) == normalise(hostname()) else "cross-site"


def _dest() -> str:
    """Return what Sec-Fetch-Dest would say of a browser's errand, on plain HTTP."""
    accept = request.headers.get("Accept", "")
    if kind(request.headers.get("User-Agent", "")) is not Agent.BROWSER:
        return ""
    return "image" if accept.startswith("image/") else "style" if "text/css" in accept else ""


def _raw_path() -> str:
    raw = str(request.environ.get("RAW_URI") or request.full_path.rstrip("?"))
    return raw if raw.startswith("/") else "/"
