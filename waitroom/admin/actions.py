"""The operator's actions over HTTP: POST /hosts/HOST/wake, sleep, keep or release.

A browser is sent back to the dashboard, which says what was done; everybody else gets JSON. What
becomes of a wake or a sleep is asked for at /hosts/HOST/outcome/….
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, g, jsonify, redirect, request, session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from waitroom.admin.guard import is_browser, page
from waitroom.admin.orders import OrderError, Orders, Outcome
from waitroom.errors import WaitroomError, did_you_mean
from waitroom.registry.hosts import Host, Registry
from waitroom.registry.values import Duration
from waitroom.signs import moment

log = logging.getLogger(__name__)


def actions(registry: Callable[[], Registry], orders: Orders) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("actions", __name__)
    acts = {"wake": _wake, "sleep": _sleep, "keep": _keep, "release": _release}

    def find(name: str) -> Host:
        known = registry()
        return known.find(name) or abort(
            HTTPStatus.NOT_FOUND,
            f"there is no host {name!r}, neither in hosts.yaml nor by label"
            + did_you_mean(name, known.hosts),
        )

    @routes.post("/hosts/<name>/<action>")
    def act(name: str, action: str) -> Answer:
        """Carry out an order, or begin to."""
        host = find(name)
        if action not in acts:
            abort(HTTPStatus.NOT_FOUND, f"there is no action {action!r}")
        try:
            at, text = acts[action](orders, host)
        except OrderError as error:
            return _told(HTTPStatus.CONFLICT, str(error))
        except WaitroomError as error:
            log.error("%s: %s: %s", host.name, action, error)
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return _told(HTTPStatus.ACCEPTED, text, **({"at": at.isoformat()} if at else {}))

    @routes.get("/hosts/<name>/outcome/wake")
    def woken(name: str) -> Response:
        return _outcome(orders.woken(find(name)))

    @routes.get("/hosts/<name>/outcome/sleep")
    def slept(name: str) -> Response:
        at = moment(request.args.get("at", "")) or abort(HTTPStatus.BAD_REQUEST, "at: no moment")
        return _outcome(orders.slept(find(name), at, datetime.now(UTC)))

    routes.app_errorhandler(HTTPException)(_fault)
    return routes


def _fault(error: HTTPException) -> Answer:
    """Say what was wrong with a request; an answer of its own goes as it is."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # werkzeug's is wider
    status, detail = HTTPStatus(error.code or 500), error.description or error.name
    if is_browser():
        return page("dashboard/fault.html", {"title": status.phrase, "text": detail}, status)
    return _problem(status, detail)


def _wake(orders: Orders, host: Host) -> tuple[datetime | None, str]:
    orders.wake(host, g.operator.name)
    return None, f"{host.name} is being woken."


def _sleep(orders: Orders, host: Host) -> tuple[datetime | None, str]:
    force = request.form.get("force") == "yes"
    reason = request.form.get("reason", "").strip()[:500]
    at = orders.sleep(host, g.operator.name, force=force, reason=reason)
    return at, f"{host.name} is being put to sleep." if at else f"{host.name} sleeps already."


def _keep(orders: Orders, host: Host) -> tuple[datetime | None, str]:
    text = request.form.get("until")
    try:
        until = (
            moment(text) if text else datetime.now(UTC) + Duration.parse(request.form.get("for"))
        )
    except (ValueError, OverflowError) as error:
        raise OrderError(str(error)) from None
    if until is None:
        raise OrderError(f"until: expected a moment such as 2026-01-31T18:00:00Z, got {text!r}")
    return None, orders.keep(host, g.operator.name, until)


def _release(orders: Orders, host: Host) -> tuple[datetime | None, str]:
    orders.release(host, g.operator.name)
    return None, f"{host.name} is kept awake no more."


def _outcome(outcome: Outcome) -> Response:
    return jsonify(done=outcome.done, ok=outcome.ok, text=outcome.text)


def _told(status: HTTPStatus, text: str, **more: str) -> Answer:
    """Say what was done or not: on the dashboard to a browser, else here."""
    if is_browser():
        session["said"] = text
        return redirect("/", HTTPStatus.SEE_OTHER)
    if status >= HTTPStatus.BAD_REQUEST:
        return _problem(status, text)
    response = jsonify(text=text, **more)
    response.status_code = status
    return response


def _problem(status: HTTPStatus, detail: str) -> Response:
    response: Response = jsonify(title=status.phrase, status=status, detail=detail)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response
