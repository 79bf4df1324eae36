"""The admin listener: for the operator and the health checks, never routed by Traefik."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, jsonify

from waitroom.actions import actions
from waitroom.dashboard import dashboard
from waitroom.guard import Guard
from waitroom.hosts import Registry
from waitroom.orders import Orders
from waitroom.preview import preview
from waitroom.recorded import Recorded
from waitroom.room import Room


def admin_app(
    findings: Callable[[], list[str]],
    registry: Callable[[], Registry],
    *,
    guard: Guard,
    room: Room,
    orders: Orders,
    recorded: Recorded,
) -> Flask:
    """Make the WSGI application of the admin listener.

    `findings` looks at what a wake rests on and returns one line for each fault.
    """
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    guard.protect(app)
    app.register_blueprint(preview(registry))
    app.register_blueprint(actions(registry, orders))
    app.register_blueprint(dashboard(registry, room, recorded))

    @app.get("/healthz")
    def healthz() -> Response:
        """Answer as long as this process serves."""
        return jsonify(ok=True)

    @app.get("/readyz")
    def readyz() -> Response:
        """Tell whether a wake would work now."""
        faults = findings()
        response = jsonify(ready=not faults, findings=faults)
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
        return response

    return app
