"""The admin listener: for the operator and the health checks, never routed by Traefik."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from waitroom.admin.actions import actions
from waitroom.admin.dashboard import dashboard
from waitroom.admin.guard import Guard
from waitroom.admin.orders import Orders
from waitroom.pages.preview import preview
from waitroom.record.records import Latest
from waitroom.registry.hosts import Registry
from waitroom.room import Room

Findings = Callable[[], list[str]]  # one line for each fault


def admin_app(
    *,
    health: Findings,
    readiness: Findings,
    metrics: CollectorRegistry,
    registry: Callable[[], Registry],
    guard: Guard,
    room: Room,
    orders: Orders,
    recorded: Latest,
    data: Path,
) -> Flask:
    """Make the WSGI application of the admin listener.

    `health` looks at what this process needs for its own part, `readiness` at all that a wake
    rests on. `data`: the folder of the record.
    """
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    guard.protect(app)
    app.register_blueprint(preview(registry))
    app.register_blueprint(actions(registry, orders))
    app.register_blueprint(dashboard(registry, room, recorded, data))

    @app.get("/healthz")
    def healthz() -> Response:
        """Tell whether this process can do its own part."""
        return _told("ok", health())

    @app.get("/readyz")
    def readyz() -> Response:
        """Tell whether a wake would work now."""
        return _told("ready", readiness())

    @app.get("/metrics")
    def scrape() -> Response:
        return Response(generate_latest(metrics), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return app


def _told(word: str, findings: list[str]) -> Response:
    response = jsonify({word: not findings, "findings": findings})
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if findings else HTTPStatus.OK
    return response
