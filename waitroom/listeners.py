"""Both listeners as one application, told apart by the port that a request came in on."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitroom.public.bodies import read_wanted
from waitroom.public.kept import Kept
from waitroom.public.web import BODY_BYTES, CHESS_PATH, STATUS_PATH, WAKE_PATH
from waitroom.registry.settings import Settings


class Listeners:
    """The application of the whole process, see `public.worker`."""

    def __init__(self, settings: Settings, public: WSGIApplication, admin: WSGIApplication) -> None:
        self._admin_port = int(settings.admin_listen.rpartition(":")[2])
        self._kept = Kept(public, STATUS_PATH)
        self._public = read_wanted(self._kept, (WAKE_PATH, CHESS_PATH), BODY_BYTES)
        self._admin = admin

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        port = environ["gunicorn.socket"].getsockname()[1]
        application = self._admin if port == self._admin_port else self._public
        return application(environ, start_response)

    def at_once(self, port: int, request: bytes) -> bytes | None:
        """Answer what came in on a port, if the answer is known already."""
        return None if port == self._admin_port else self._kept.at_once(request)
