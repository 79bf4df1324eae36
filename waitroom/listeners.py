"""Both listeners as they are served: what is read of a request, and what is kept."""

from __future__ import annotations

from wsgiref.types import WSGIApplication, WSGIEnvironment

from waitroom.admin.guard import FORM_BYTES
from waitroom.public.kept import Kept
from waitroom.public.web import BODY_BYTES, CHESS_PATH, STATUS_PATH, WAKE_PATH
from waitroom.serving.bodies import read_wanted
from waitroom.serving.headers import shortened
from waitroom.serving.worker import Applications

# Of each listener's threads less than half may be reading bodies.
_READ_AT_ONCE, _ADMIN_READ_AT_ONCE = 24, 6


def listeners(public: WSGIApplication, admin: WSGIApplication) -> Applications:
    """Make what `serving` needs of the two applications."""
    kept = Kept(shortened(public), STATUS_PATH)
    return Applications(
        public=read_wanted(kept, _wakes, most_bytes=BODY_BYTES, at_once=_READ_AT_ONCE),
        at_once=kept.at_once,
        admin=read_wanted(
            shortened(admin), _posts, most_bytes=FORM_BYTES, at_once=_ADMIN_READ_AT_ONCE
        ),
    )


def _wakes(environ: WSGIEnvironment) -> bool:
    return _posts(environ) and environ["PATH_INFO"] in (WAKE_PATH, CHESS_PATH)


def _posts(environ: WSGIEnvironment) -> bool:
    return bool(environ["REQUEST_METHOD"] == "POST")
