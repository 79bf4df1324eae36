"""The public listener: every request that Traefik leads to the waiting room.

A host is looked up by its Host header in the registry and nowhere else. `visits` and `wakes` are
its handlers; `asked` reads the request, `answers` words what is answered.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from waitroom.public import answers, asked, forms
from waitroom.public.door import Door
from waitroom.public.reception import Reception
from waitroom.public.turns import Turns
from waitroom.public.visits import Visits
from waitroom.public.wakes import Wakes
from waitroom.registry.hosts import Registry, normalise
from waitroom.room import Room
from waitroom.view import State

log = logging.getLogger(__name__)

STATUS_PATH = "/.waitroom/status"
# The requests whose body is read, and how long that may be.
WAKE_PATH = "/.waitroom/wake"
CHESS_PATH = "/.waitroom/chess"
BODY_BYTES = 16_384


def public_app(*, registry: Callable[[], Registry], room: Room, door: Door, turns: Turns) -> Flask:
    """Make the WSGI application of the public listener."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # they would know no host
    app.url_map.merge_slashes = False
    reception = Reception(room, door)
    visits = Visits(room, door, reception, turns)
    wakes = Wakes(room, door, reception)

    def route(path: str, handler: Callable[..., Response], *methods: str) -> None:
        view = _of_a_host(registry, room.glance, handler)
        app.add_url_rule(path, endpoint=path, view_func=view, methods=methods or ("GET",))

    route(STATUS_PATH, visits.status)
    route(WAKE_PATH, wakes.wake, "POST")
    route(CHESS_PATH, wakes.chess, "GET", "POST")
    for name in forms.SCRIPTS:
        route(f"/.waitroom/{name}", visits.script)
    route("/.waitroom/canary/<nonce>", visits.canary)
    route("/.waitroom/gap", visits.gap)
    # Any other path and method belongs to the app that is asleep.
    any_path = _of_a_host(registry, room.glance, visits.any_path)
    app.register_error_handler(HTTPStatus.NOT_FOUND, lambda _: any_path())
    app.register_error_handler(HTTPStatus.METHOD_NOT_ALLOWED, lambda _: any_path())
    app.register_error_handler(Exception, _broken)
    app.after_request(lambda response: forms.compress(forms.stamp(response)))
    return app


def _of_a_host(
    registry: Callable[[], Registry],
    glance: Callable[[str], State],
    handler: Callable[..., Response],
) -> Callable[..., Response]:
    """Make a handler that gets the host that was asked for, and the name it was asked by."""

    @functools.wraps(handler)
    def handle(**of_the_path: str) -> Response:
        name = asked.hostname()
        host = registry().find(name)
        if host is None:
            return answers.unregistered()
        g.state = glance(host.name)  # of the answers to what is no visit
        return handler(host, normalise(name) or host.name, **of_the_path)

    return handle


def _broken(error: Exception) -> Response:
    """Answer for a request that we could not handle, and keep the reason for the log."""
    if isinstance(error, HTTPException):
        return forms.problem(HTTPStatus(error.code or HTTPStatus.BAD_REQUEST), error.name)
    log.error("a request could not be answered; this is a fault of ours", exc_info=error)
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    return forms.problem(unavailable, "the waiting room has a fault; try again")
