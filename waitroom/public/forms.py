"""The forms that an answer has: a page, a problem as JSON, a line of text; and what all carry.

Every answer says whose it is (`X-Waitroom`) and is kept by nobody. For use inside Flask's request.
"""

from __future__ import annotations

import functools
import gzip
import math
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, g, jsonify, request

from waitroom.pages import page as pages
from waitroom.public import asked
from waitroom.view import State

_WORTH_COMPRESSING_BYTES = 1024
_GZIP_LEVEL = 6  # 0.4 ms a page

# What the page's script fetches where a wake costs work.
SCRIPTS = {"work.js": "scripts/work.js", "worker.js": "vendor/altcha/pbkdf2.js"}


def nonce() -> str:
    """Make what a page's script and style are known by."""
    return secrets.token_urlsafe(12)


def page(text: str, nonce: str, language: str, *, framed: bool = False) -> Response:
    """Answer with a page that carries this nonce. Arguments as content_security_policy."""
    response = Response(text, mimetype="text/html")
    policy = pages.content_security_policy(nonce, framed=framed)
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Language"] = language
    return response


def line(text: str, status: HTTPStatus) -> Response:
    """Answer with some text."""
    return Response(f"{text}\n", status, mimetype="text/plain")


def problem_json(status: HTTPStatus, detail: str, **more: Any) -> Response:  # noqa: ANN401 - any JSON
    """Say what is the matter to a program."""
    response: Response = jsonify(
        type="about:blank", title=status.phrase, status=status, detail=detail, **more
    )
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def problem(status: HTTPStatus, detail: str) -> Response:
    """Say in one line what was wrong with a request, or with us."""
    if asked.form() in ("text/html", "text/plain"):
        return line(detail, status)
    return problem_json(status, detail)


def proof_wanted(work: dict[str, object], wait_s: float) -> Response:
    """Ask for the work that a wake costs, or for patience."""
    wanted = HTTPStatus.PRECONDITION_REQUIRED
    if asked.form() in ("text/html", "text/plain"):
        response = problem(wanted, "that was a moment too soon; go back and press again")
    else:
        detail = "do the work, or ask again when wait_s is over"
        response = problem_json(wanted, detail, work=work, wait_s=round(wait_s, 3))
    response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def redirect(status: HTTPStatus, path: str, state: State) -> Response:
    """Send the visitor to a path of the same host."""
    g.state = state
    return Response(status=status, headers={"Location": path})


def script(name: str) -> Response:
    """Answer with one of SCRIPTS."""
    return Response(_script(name), mimetype="text/javascript")


@functools.cache
def _script(name: str) -> str:
    return (Path(__file__).parent / SCRIPTS[name]).read_text("utf-8")


def stamp(response: Response) -> Response:
    """Mark an answer as ours and as nothing to be kept."""
    response.headers["X-Waitroom"] = g.get("state", State.UNKNOWN)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The form without script finds its way back by the Referer, which stays on this host.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def compress(response: Response) -> Response:
    """Compress a large answer for a client that takes it: no proxy can be relied on for that.

    No page has a secret that outlives its use, so a length that tells something tells nothing.
    """
    if (response.content_length or 0) > _WORTH_COMPRESSING_BYTES:
        response.headers.add("Vary", "Accept, Accept-Encoding, Accept-Language")
        if request.accept_encodings["gzip"] > 0:
            response.set_data(gzip.compress(response.get_data(), _GZIP_LEVEL, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
    return response
