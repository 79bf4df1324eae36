"""What the public listener answers, in the form that the client likes best.

Every answer says whose it is (`X-Waitroom`) and is kept by nobody. For use inside Flask's request.
"""

from __future__ import annotations

import functools
import math
import secrets
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, g, jsonify

from waitroom import asked, board, page
from waitroom.game import Game
from waitroom.hosts import Host
from waitroom.view import State, View

_RETRY_S, _LONGEST_RETRY_S = 5, 86_400
# What the page's script fetches where a wake costs work.
SCRIPTS = {"work.js": "scripts/work.js", "worker.js": "vendor/altcha/pbkdf2.js"}


def waiting(
    host: Host,
    view: View,
    *,
    token: str | None = None,
    automatic: bool = False,
    puzzle: bool = False,
    origin_status: int | None = None,
    status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE,
) -> Response:
    """Answer for an app that is not there: as page, JSON or text. Arguments as page.render."""
    g.state = view.state
    language = _language(host)
    words = page.message(view, language, origin_status=origin_status)
    form = asked.form()
    if form == "text/html":
        nonce = secrets.token_urlsafe(12)
        text = page.render(
            view,
            language,
            token=token,
            automatic=automatic,
            nonce=nonce,
            puzzle=puzzle,
            origin_status=origin_status,
            brand=host.page,
            unsent=asked.carries_something(),
        )
        response = _page(text, nonce)
        response.headers["Content-Language"] = language
    elif form == "text/plain":
        how = f"To wake it: POST /.waitroom/wake with token={token}\n" if token else ""
        text = f"{view.host}: {view.state}. {words}\n{how}"
        response = Response(text, mimetype="text/plain")
    else:
        wake = {"method": "POST", "path": "/.waitroom/wake", "token": token} if token else None
        refused = view.refused.why if view.refused else None
        response = _problem_json(
            status, words, host=view.host, state=view.state, refused=refused, wake=wake
        )
    response.status_code = status
    response.headers["Retry-After"] = str(_retry_after_s(view))
    return response


def chess(host: Host, view: View, game: Game, *, wakes: bool) -> Response:
    """Answer with a puzzle. `wakes`: its solution wakes the host."""
    g.state = view.state
    language, nonce = _language(host), secrets.token_urlsafe(12)
    back = asked.own_path(asked.answer().back) if asked.answer().back else asked.referring_path()
    text = board.render(view, game, language, wakes=wakes, back=back, nonce=nonce, brand=host.page)
    response = Response(text, mimetype="text/html")
    response.headers["Content-Security-Policy"] = page.content_security_policy(nonce, framed=True)
    response.headers["Content-Language"] = language
    return response


def brief(host: Host, view: View, origin_status: int | None = None) -> Response:
    """Answer a request of nobody, or of a program, for an app that is not there."""
    g.state = view.state
    words = page.message(view, _language(host), origin_status=origin_status)
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    if "json" in asked.form():
        response = _problem_json(unavailable, words, host=view.host, state=view.state, wake=None)
    else:
        response = Response(
            f"{view.host}: {view.state}. {words}\n", unavailable, mimetype="text/plain"
        )
    response.headers["Retry-After"] = str(_retry_after_s(view))
    return response


def nothing() -> Response:
    """Answer who is in a trap."""
    return Response(status=HTTPStatus.NOT_FOUND)


def proof_wanted(work: dict[str, object], wait_s: float) -> Response:
    """Ask for the work that a wake costs, or for patience."""
    wanted = HTTPStatus.PRECONDITION_REQUIRED
    if asked.form() in ("text/html", "text/plain"):
        response = problem(wanted, "that was a moment too soon; go back and press again")
    else:
        detail = "do the work, or ask again when wait_s is over"
        response = _problem_json(wanted, detail, work=work, wait_s=round(wait_s, 3))
    response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def script(name: str) -> Response:
    """Answer with one of SCRIPTS."""
    return Response(_script(name), mimetype="text/javascript")


@functools.cache
def _script(name: str) -> str:
    return (Path(__file__).parent / SCRIPTS[name]).read_text("utf-8")


def status(host: Host, view: View) -> Response:
    """Tell a waiting page how things stand."""
    g.state = view.state
    return jsonify(
        host=view.host,
        state=view.state,
        refused=view.refused.why if view.refused and view.scene is not view.state else None,
        since=f"{view.since:%Y-%m-%dT%H:%M:%S.%fZ}",
        expected_s=view.expected_s,
        late_s=view.late_s,
        elapsed_s=round(view.elapsed_s, 1),
        message=page.message(view, _language(host)),
    )


def unregistered() -> Response:
    """Answer for a host that nobody registered."""
    if asked.form() != "text/html":
        return problem(HTTPStatus.NOT_FOUND, "nobody registered this host here")
    nonce = secrets.token_urlsafe(12)
    language = page.language(asked.languages())
    response = _page(page.unregistered(asked.hostname(), language, nonce=nonce), nonce)
    response.status_code = HTTPStatus.NOT_FOUND
    return response


def redirect(status: HTTPStatus, path: str, state: State) -> Response:
    """Send the visitor to a path of the same host."""
    g.state = state
    return Response(status=status, headers={"Location": path})


def problem(status: HTTPStatus, detail: str) -> Response:
    """Say in one line what was wrong with a request, or with us."""
    if asked.form() in ("text/html", "text/plain"):
        return Response(f"{detail}\n", status, mimetype="text/plain")
    return _problem_json(status, detail)


def stamp(response: Response) -> Response:
    """Mark an answer as ours and as nothing to be kept."""
    response.headers["X-Waitroom"] = g.get("state", State.UNKNOWN)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The form without script finds its way back by the Referer, which stays on this host.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _language(host: Host) -> str:
    return host.lang or page.language(asked.languages())


def _page(text: str, nonce: str) -> Response:
    response = Response(text, mimetype="text/html")
    response.headers["Content-Security-Policy"] = page.content_security_policy(nonce)
    return response


def _problem_json(status: HTTPStatus, detail: str, **more: Any) -> Response:  # noqa: ANN401 - any JSON
    response: Response = jsonify(
        type="about:blank", title=status.phrase, status=status, detail=detail, **more
    )
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _retry_after_s(view: View) -> int:
    if view.state is State.WAKING and view.expected_s:
        return max(1, math.ceil(view.expected_s - view.elapsed_s))
    if view.refused and view.refused.until:
        left_s = math.ceil((view.refused.until - datetime.now(UTC)).total_seconds())
        return min(max(1, left_s), _LONGEST_RETRY_S)
    return math.ceil(view.again_s or _RETRY_S)
