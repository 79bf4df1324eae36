"""The public listener: every request that Traefik leads to the waiting room.

A host is looked up by its Host header in the registry and nowhere else. GET changes nothing but
what calls off a sleep; a wake is a POST with a token. Only this module knows Flask's request.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from waitroom import canary, page
from waitroom.canary import Leads
from waitroom.config import Network
from waitroom.encoding import compress
from waitroom.gate import Admission, admission
from waitroom.holding import Places, preferred_wait_s
from waitroom.hosts import Host, Registry, normalise
from waitroom.journal import JournalError
from waitroom.room import Room
from waitroom.tokens import TokenError, WakeTokens
from waitroom.view import Refusal, Refused, State, View
from waitroom.visitors import Pseudonyms, visitor_address

log = logging.getLogger(__name__)

_BODY_BYTES = 16_384  # of a wake request; other bodies are never read by us
_RETRY_S, _LONGEST_RETRY_S = 5, 86_400
_BARE_METHODS = ("GET", "HEAD", "OPTIONS")  # a request with any other carries something
_FORMS = ("text/html", "application/problem+json", "application/json", "text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """What the public listener stands on."""

    registry: Callable[[], Registry]
    room: Room
    tokens: WakeTokens
    pseudonyms: Pseudonyms
    trusted_proxies: tuple[Network, ...]
    traefik_url: str


def public_app(parts: Public) -> Flask:
    """Make the WSGI application of the public listener."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_BYTES
    app.url_map.merge_slashes = False
    desk = _Desk(parts)
    app.add_url_rule("/.waitroom/status", view_func=desk.status, methods=["GET"])
    app.add_url_rule("/.waitroom/wake", view_func=desk.wake, methods=["POST"])
    app.add_url_rule("/.waitroom/canary/<nonce>", view_func=desk.canary, methods=["GET"])
    app.add_url_rule("/.waitroom/gap", view_func=desk.gap, methods=["GET"])
    # Any other path and method belongs to the app that is asleep.
    app.register_error_handler(HTTPStatus.NOT_FOUND, desk.any_path)
    app.register_error_handler(HTTPStatus.METHOD_NOT_ALLOWED, desk.any_path)
    app.register_error_handler(Exception, _broken)
    app.after_request(lambda response: compress(request, _stamp(response)))
    return app


class _Desk:
    """The handlers. Each takes the host from the request and answers in the client's form."""

    def __init__(self, parts: Public) -> None:
        self._parts = parts
        self._places = Places()

    def any_path(self, _error: HTTPException) -> Response:
        """Answer for the app: its visitor waits here, or is sent back when it runs after all."""
        found = self._find()
        if found is None:
            return _unregistered()
        host, name = found
        wait_s = preferred_wait_s(request.headers.get("Prefer", ""))
        self._places.hold(wait_s, lambda: self._parts.room.view(host, name).state is State.WAKING)
        view = self._parts.room.view(host, name)
        if view.state is State.DRAINING and self._parts.room.call_off_sleep(host):
            view = self._parts.room.view(host, name)
        if view.state is State.READY and self._comes_to_lead(name, Leads.ELSEWHERE):
            g.state = State.READY
            applied = {"Preference-Applied": f"wait={wait_s}"} if wait_s else {}
            headers = {"Location": _here(), **applied}
            return Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers=headers)
        return self._waiting(host, view)

    def gap(self) -> Response:
        """Answer in place of an app that did not: it crashed, was stopped, or fails by itself."""
        found = self._find()
        if found is None:
            return _unregistered()
        host, name = found
        view = self._parts.room.view(host, name, in_doubt=True)
        is_canary = request.headers.get("User-Agent", "").startswith(canary.AGENT)
        if view.state is State.ASLEEP and not is_canary:
            # It was found stopped just now. The wake that this page asks for must come here, too.
            self._comes_to_lead(name, Leads.HERE)
        return self._waiting(host, view, request.args.get("st", type=int))

    def status(self) -> Response:
        """Tell a waiting page how things stand."""
        found = self._find()
        if found is None:
            return _unregistered()
        view = _refused(found[0], self._parts.room.view(*found))
        g.state = view.state
        return _status_json(view, _language(found[0]))

    def canary(self, nonce: str) -> Response:  # noqa: ARG002 - it is for the access log
        """Show that this host's requests lead here, to somebody who would wake it."""
        found = self._find()
        if found is None:
            return _unregistered()
        g.state = self._parts.room.view(*found).state
        return Response(status=HTTPStatus.NO_CONTENT)

    def wake(self) -> Response:
        """Redeem a wake token."""
        found = self._find()
        if found is None:
            return _unregistered()
        host, name = found
        if admission(host) is Admission.REFUSED:
            return _problem(HTTPStatus.FORBIDDEN, "this host is not woken from here")
        try:
            self._parts.tokens.redeem(_token(), host.name)
            self._parts.room.wake(host, self._visitor(host))
        except TokenError as error:
            return _problem(HTTPStatus.FORBIDDEN, str(error))
        except JournalError as error:
            log.error("%s: no wake is started: %s", host.name, error)
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "the journal can't be written")
        view = self._parts.room.view(host, name)
        g.state = view.state
        if _form() == "text/html":
            return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": _referring_path()})
        answer = _status_json(view, _language(host))
        answer.status_code = HTTPStatus.ACCEPTED
        return answer

    def _comes_to_lead(self, name: str, wanted: Leads) -> bool:
        return canary.comes_to_lead(self._parts.traefik_url, name, wanted)

    def _find(self) -> tuple[Host, str] | None:
        """Return the host that was asked for, and the name it was asked by."""
        asked = request.environ.get("HTTP_HOST", "")
        host = self._parts.registry().find(asked)
        return (host, normalise(asked) or host.name) if host else None

    def _waiting(self, host: Host, view: View, origin_status: int | None = None) -> Response:
        g.state = view.state
        view = _refused(host, view)
        token = None if view.refused else self._parts.tokens.issue(host.name)
        language = _language(host)
        words = page.message(view, language, origin_status=origin_status)
        form = _form()
        if form == "text/html":
            nonce = secrets.token_urlsafe(12)
            automatic = admission(host) is Admission.NOTHING
            text = page.render(
                view,
                language,
                token=token,
                automatic=automatic,
                nonce=nonce,
                origin_status=origin_status,
                brand=host.page,
                unsent=request.method not in _BARE_METHODS,
            )
            response = Response(text, mimetype="text/html")
            response.headers["Content-Security-Policy"] = page.content_security_policy(nonce)
            response.headers["Content-Language"] = language
        elif form == "text/plain":
            how = f"To wake it: POST /.waitroom/wake with token={token}\n" if token else ""
            text = f"{view.host}: {view.state}. {words}\n{how}"
            response = Response(text, mimetype="text/plain")
        else:
            wake = {"method": "POST", "path": "/.waitroom/wake", "token": token} if token else None
            response = jsonify(
                type="about:blank",
                title=HTTPStatus.SERVICE_UNAVAILABLE.phrase,
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                detail=words,
                host=view.host,
                state=view.state,
                refused=view.refused.why if view.refused else None,
                wake=wake,
            )
            response.mimetype = "application/problem+json"
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(_retry_after_s(view))
        return response

    def _visitor(self, host: Host) -> str:
        forwarded_for = request.headers.get("X-Forwarded-For", "")
        peer = request.remote_addr or ""
        address = visitor_address(peer, forwarded_for, self._parts.trusted_proxies)
        return self._parts.pseudonyms.name(host.name, address, datetime.now(UTC).date())


def _refused(host: Host, view: View) -> View:
    """Add why this host is not woken for this visitor, if it is not."""
    if admission(host) is Admission.REFUSED:
        return replace(view, refused=Refused(Refusal.CLOSED))
    return view


def _language(host: Host) -> str:
    return host.lang or page.language(request.headers.get("Accept-Language", ""))


def _form() -> str:
    return request.accept_mimetypes.best_match(_FORMS, default="text/html") or "text/html"


def _token() -> str:
    """Read the token out of a form or a JSON body."""
    body: object = request.get_json(silent=True) if request.is_json else request.form
    token = body.get("token") if isinstance(body, Mapping) else None
    return token if isinstance(token, str) else ""


def _here() -> str:
    """Return the URL that was asked for, for a redirect to itself on this very host.

    A path that begins with two slashes would be read as another host, so a dot goes before it.
    """
    raw = str(request.environ.get("RAW_URI") or request.full_path.rstrip("?"))
    path = raw if raw.startswith("/") else "/"
    return f"/.{path}" if path.startswith("//") else path


def _referring_path() -> str:
    """Return the page that the form was sent from, on this host only."""
    referrer = urlsplit(request.headers.get("Referer", ""))
    path = "/" + referrer.path.lstrip("/\\")
    return f"{path}?{referrer.query}" if referrer.query else path


def _retry_after_s(view: View) -> int:
    if view.state is State.WAKING and view.expected_s:
        return max(1, math.ceil(view.expected_s - view.elapsed_s))
    if view.refused and view.refused.until:
        left_s = math.ceil((view.refused.until - datetime.now(UTC)).total_seconds())
        return min(max(1, left_s), _LONGEST_RETRY_S)
    return _RETRY_S


def _status_json(view: View, language: str) -> Response:
    return jsonify(
        host=view.host,
        state=view.state,
        refused=view.refused.why if view.refused and view.scene is not view.state else None,
        since=f"{view.since:%Y-%m-%dT%H:%M:%S.%fZ}",
        expected_s=view.expected_s,
        late_s=view.late_s,
        elapsed_s=round(view.elapsed_s, 1),
        message=page.message(view, language),
    )


def _unregistered() -> Response:
    name = request.environ.get("HTTP_HOST", "")
    if _form() != "text/html":
        return _problem(HTTPStatus.NOT_FOUND, "nobody registered this host here")
    language = page.language(request.headers.get("Accept-Language", ""))
    nonce = secrets.token_urlsafe(12)
    response = Response(page.unregistered(name, language, nonce=nonce), HTTPStatus.NOT_FOUND)
    response.headers["Content-Security-Policy"] = page.content_security_policy(nonce)
    return response


def _problem(status: HTTPStatus, detail: str) -> Response:
    response: Response
    if _form() in ("text/html", "text/plain"):
        response = Response(f"{detail}\n", mimetype="text/plain")
    else:
        body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "detail": detail}
        response = jsonify(**body, status=status)
        response.mimetype = "application/problem+json"
    response.status_code = status
    return response


def _broken(error: Exception) -> Response:
    """Answer for a request that we could not handle, and keep the reason for the log."""
    if isinstance(error, HTTPException):
        return _problem(HTTPStatus(error.code or HTTPStatus.BAD_REQUEST), error.name)
    log.error("a request could not be answered; this is a fault of ours", exc_info=error)
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "the waiting room has a fault; try again")


def _stamp(response: Response) -> Response:
    """Mark every answer as ours and as nothing to be kept."""
    response.headers["X-Waitroom"] = g.get("state", State.UNKNOWN)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The form without script finds its way back by the Referer, which stays on this host.
    response.headers["Referrer-Policy"] = "same-origin"
    return response
