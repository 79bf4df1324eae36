"""Who is let in on the admin listener: a browser's session, a command's assertion, a token.

One rule before every request protects all but a short open list, so a page that is added later is
protected by default. A POST of a session needs its CSRF token; a reader acts not at all. A page of
another site whose name was made to lead here (DNS rebinding) has no session: the cookie goes to the
name alone under which somebody has logged in.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus

from flask import Flask, Response, abort, g, redirect, request, session
from werkzeug.wrappers import Response as Answer

from waitroom.admin import assertions
from waitroom.admin.operators import Operator, Operators, Role
from waitroom.admin.sessions import LIFETIME_S, Sessions
from waitroom.errors import WaitroomError
from waitroom.pages import looks

log = logging.getLogger(__name__)

# Monitors and scrapers have no login; the login itself can't demand one.
OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/login"})
FORM_BYTES = 16_384
# Tokens are too long to be guessed, so a right one is taken however many wrong ones came before:
# else whoever reaches the listener could keep its operators out. Who guesses is told off, and
# logged.
_TRIES, _TRIES_WITHIN_S = 10, 60.0


class Guard:
    """The login of one application. Threads: any may call."""

    def __init__(
        self, operators: Operators, secret: bytes, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._operators = operators
        self._sessions = Sessions(clock_s)
        self._clock_s = clock_s
        self._secret = secret
        self._lock = threading.Lock()
        self._failed: deque[float] = deque(maxlen=_TRIES)  # when, by the clock

    def protect(self, app: Flask) -> None:
        """Let nobody in but who may, and add the pages to log in and out."""
        app.secret_key = hmac.digest(self._secret, b"sessions of the admin listener", sha256)
        app.config.update(
            SESSION_COOKIE_NAME="waitroom",
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Strict",
            PERMANENT_SESSION_LIFETIME=LIFETIME_S,
            SESSION_REFRESH_EACH_REQUEST=False,
            MAX_CONTENT_LENGTH=FORM_BYTES,
        )
        app.before_request(self._check)
        app.add_url_rule("/login", "login", self._login, methods=["GET", "POST"])
        app.add_url_rule("/logout", "logout", self._logout, methods=["POST"])

    def _check(self) -> Answer | None:
        try:
            g.operator, by_session = self._who()
        except WaitroomError as error:  # nobody is let in, and whoever asks for nothing is answered
            g.operator, by_session = None, True
            if request.path not in OPEN:
                abort(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if g.operator is None and request.path not in OPEN:
            if is_browser():
                return redirect("/login", HTTPStatus.SEE_OTHER)
            abort(HTTPStatus.UNAUTHORIZED, "log in first")
        if request.method in ("GET", "HEAD"):
            return None
        if (by_session or g.operator is None) and not _is_own_form():
            abort(HTTPStatus.FORBIDDEN, "this form is not one of yours; load the page again")
        may_act = g.operator is None or g.operator.role is Role.OPERATOR
        if not may_act and request.path != "/logout":
            abort(HTTPStatus.FORBIDDEN, "a reader sees, and acts not")
        return None

    def _who(self) -> tuple[Operator | None, bool]:
        """Return who asks, and whether it is by a session."""
        text = _bearer()
        if text:
            name = assertions.verify(self._secret, text, _canonical())
            known = Operator(name, Role.OPERATOR, "") if name else self._operators.find(text)
            return known, False
        logged_in = self._sessions.find(session.get("id", ""))
        return (self._operators.still(logged_in) if logged_in else None), True

    def _login(self) -> Answer:
        if request.method == "GET":
            return login_page("")
        try:
            operator = self._operators.find(request.form.get("token", "").strip())
        except WaitroomError as error:
            return login_page(str(error), 503)
        if operator is None:
            return self._refuse()
        log.info("%s has logged in", operator.name)
        session.clear()
        session.update(id=self._sessions.begin(operator), csrf=secrets.token_urlsafe(18))
        session.permanent = True
        return redirect("/", HTTPStatus.SEE_OTHER)

    def _logout(self) -> Answer:
        self._sessions.end(session.get("id", ""))
        session.clear()
        return redirect("/login", HTTPStatus.SEE_OTHER)

    def _refuse(self) -> Answer:
        now_s = self._clock_s()
        with self._lock:
            if len(self._failed) == _TRIES and now_s - self._failed[0] < _TRIES_WITHIN_S:
                return login_page("Too many wrong tokens; try again in a minute.", 429)
            self._failed.append(now_s)
        log.warning("somebody tried to log in with a wrong token")
        return login_page("This token is not one of ours.", 401)


def login_page(fault: str, status: int = 200) -> Response:
    """Return the form of the login."""
    csrf = session.setdefault("csrf", secrets.token_urlsafe(18))
    return page("dashboard/login.html", {"csrf": csrf, "fault": fault}, status)


def page(template: str, values: dict[str, object], status: int = 200) -> Response:
    """Return a page of the admin listener, with a policy that admits nothing but what is in it."""
    nonce = secrets.token_urlsafe(12)
    response = Response(looks.render(template, None, {**values, "nonce": nonce}), status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _is_own_form() -> bool:
    expected, given = session.get("csrf", ""), request.form.get("csrf", "")
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _canonical() -> str:
    return assertions.canonical(request.method, request.environ["RAW_URI"], request.get_data())


def is_browser() -> bool:
    """Whether a person asks, who is led on and shown pages."""
    return not request.authorization and request.accept_mimetypes.accept_html


def _bearer() -> str:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""
