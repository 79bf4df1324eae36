"""What is answered about a host, in the form that the client likes best; `forms` has these.

For use inside Flask's request.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, g, jsonify

from waitroom.gate.game import Game
from waitroom.language.catalogues import language as best
from waitroom.language.sentences import BROWSER_WANTED, UNSENT_BY_PROGRAM
from waitroom.language.words import message, translated
from waitroom.pages import board, page
from waitroom.public import asked, forms
from waitroom.registry.hosts import Host
from waitroom.view import State, View

_RETRY_S, _LONGEST_RETRY_S = 5, 86_400


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
    if asked.wants_no_page():
        return brief(host, view, token=token, origin_status=origin_status, status=status)
    language, nonce = _language(host), forms.nonce()
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
    return _marked(forms.page(text, nonce, language), view, status)


def brief(
    host: Host,
    view: View,
    *,
    token: str | None = None,
    hint: bool = False,
    origin_status: int | None = None,
    status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE,
) -> Response:
    """Answer a program, or nobody, for an app that is not there: in a few words.

    `hint`: say what wakes it, if anything does now.
    """
    language = _language(host)
    words = message(view, language, origin_status=origin_status)
    if hint and view.is_wakeable and not view.refused:
        words += f" {translated(BROWSER_WANTED, language)}"
    if asked.carries_something():
        words += f" {translated(UNSENT_BY_PROGRAM, language)}"
    if "json" in asked.form():
        return _marked(_problem(view, words, token, status), view, status)
    how = f"\nTo wake it: POST /.waitroom/wake with token={token}" if token else ""
    return _marked(forms.line(f"{view.host}: {view.state}. {words}{how}", status), view, status)


def _problem(view: View, words: str, token: str | None, status: HTTPStatus) -> Response:
    wake = {"method": "POST", "path": "/.waitroom/wake", "token": token} if token else None
    refused = view.refused.why if view.refused else None
    sent_on = {"sent_on": False} if asked.carries_something() else {}
    return forms.problem_json(
        status, words, host=view.host, state=view.state, refused=refused, wake=wake, **sent_on
    )


def chess(host: Host, view: View, game: Game, *, wakes: bool) -> Response:
    """Answer with a puzzle. `wakes`: its solution wakes the host."""
    g.state = view.state
    language, nonce = _language(host), forms.nonce()
    back = asked.way_back()
    text = board.render(view, game, language, wakes=wakes, back=back, nonce=nonce, brand=host.page)
    return forms.page(text, nonce, language, framed=True)


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
        message=message(view, _language(host)),
    )


def unregistered() -> Response:
    """Answer for a host that nobody registered."""
    if asked.wants_no_page():
        return forms.problem(HTTPStatus.NOT_FOUND, "nobody registered this host here")
    language, nonce = best(asked.languages()), forms.nonce()
    text = page.unregistered(asked.hostname(), language, nonce=nonce)
    response = forms.page(text, nonce, language)
    response.status_code = HTTPStatus.NOT_FOUND
    return response


def _language(host: Host) -> str:
    return host.lang or best(asked.languages())


def _marked(response: Response, view: View, status: HTTPStatus) -> Response:
    g.state = view.state
    response.status_code = status
    response.headers["Retry-After"] = str(_retry_after_s(view))
    return response


def _retry_after_s(view: View) -> int:
    if view.state is State.WAKING and view.expected_s:
        return max(1, math.ceil(view.expected_s - view.elapsed_s))
    if view.is_wakeable and view.refused and view.refused.until:
        left_s = math.ceil((view.refused.until - datetime.now(UTC)).total_seconds())
        return min(max(1, left_s), _LONGEST_RETRY_S)
    return math.ceil(view.again_s or _RETRY_S)
