"""The page in every state, on the admin listener, for those who write `page:` in hosts.yaml.

Nothing on it acts: its policy admits no script and no form.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from waitroom.language.languages import SOURCE, languages
from waitroom.pages import looks, page
from waitroom.pages.samples import samples
from waitroom.registry.hosts import Registry


def preview(registry: Callable[[], Registry]) -> Blueprint:
    """Make the routes /preview and /preview/NAME?host=HOST&lang=TAG."""
    routes = Blueprint("preview", __name__)

    @routes.get("/preview")
    def index() -> Response:
        """List every page that there is to see."""
        names = samples("", datetime.now(UTC))
        values = {"hosts": registry().hosts, "names": names, "tags": languages()}
        return _answer(looks.render("preview.html", None, values))

    @routes.get("/preview/<name>")
    def show(name: str) -> Response:
        """Show one page as a visitor would see it."""
        host = registry().find(request.args.get("host", "")) or next(
            iter(registry().hosts.values()), None
        )
        language = request.args.get("lang", host and host.lang) or SOURCE
        if host is None or language not in languages():
            abort(HTTPStatus.NOT_FOUND)
        view = samples(host.name, datetime.now(UTC)).get(name) or abort(HTTPStatus.NOT_FOUND)
        nonce = secrets.token_urlsafe(12)
        token = None if view.refused else "preview"
        text = page.render(
            view, language, token=token, automatic=False, nonce=nonce, brand=host.page
        )
        return _answer(text, nonce)

    return routes


def _answer(text: str, nonce: str = "") -> Response:
    response = Response(text, mimetype="text/html")
    style = f"style-src 'nonce-{nonce}'; " if nonce else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {style}img-src data:; form-action 'none'; base-uri 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    return response
