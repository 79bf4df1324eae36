"""The public listener: every request that Traefik leads to the waiting room.

A host is looked up by its Host header in the registry and nowhere else. GET changes nothing but
what calls off a sleep; a wake is a POST with a token. `asked` reads the request, `answers` words
what is answered.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from waitroom import answers, asked, canary
from waitroom.budgets import BudgetSpent, Proof, Wish
from waitroom.canary import Leads
from waitroom.challenges import ChallengeError
from waitroom.door import Door, ProofWanted
from waitroom.encoding import compress
from waitroom.game import Outcome
from waitroom.gate import Admission
from waitroom.holding import Places, preferred_wait_s
from waitroom.hosts import Host, Registry, normalise
from waitroom.journal import JournalError
from waitroom.room import Room
from waitroom.turns import Turns
from waitroom.view import Refusal, State, View

log = logging.getLogger(__name__)

# The requests whose body is read, and how long that may be.
WAKE_PATH = "/.waitroom/wake"
CHESS_PATH = "/.waitroom/chess"
BODY_BYTES = 16_384
# States out of which a host is woken.
_WAKEABLE = (State.ASLEEP, State.FAILED)
# What the page's script may ask for without a click.
_BY_ITSELF = (Admission.NOW, Admission.FREE, Admission.WORK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """What the public listener stands on."""

    registry: Callable[[], Registry]
    room: Room
    door: Door
    turns: Turns


def public_app(parts: Public) -> Flask:
    """Make the WSGI application of the public listener."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.url_map.merge_slashes = False
    desk = _Desk(parts)
    app.add_url_rule("/.waitroom/status", view_func=desk.status, methods=["GET"])
    app.add_url_rule(WAKE_PATH, view_func=desk.wake, methods=["POST"])
    app.add_url_rule(CHESS_PATH, view_func=desk.chess, methods=["GET", "POST"])
    for name in answers.SCRIPTS:
        app.add_url_rule(f"/.waitroom/{name}", view_func=desk.script, methods=["GET"])
    app.add_url_rule("/.waitroom/canary/<nonce>", view_func=desk.canary, methods=["GET"])
    app.add_url_rule("/.waitroom/gap", view_func=desk.gap, methods=["GET"])
    # Any other path and method belongs to the app that is asleep.
    app.register_error_handler(HTTPStatus.NOT_FOUND, desk.any_path)
    app.register_error_handler(HTTPStatus.METHOD_NOT_ALLOWED, desk.any_path)
    app.register_error_handler(Exception, _broken)
    app.after_request(lambda response: compress(request, answers.stamp(response)))
    return app


class _Desk:
    """The handlers. Each takes the host from the request and answers in the client's form."""

    def __init__(self, parts: Public) -> None:
        self._parts = parts
        self._room = parts.room
        self._door = parts.door
        self._places = Places()

    def any_path(self, _error: HTTPException) -> Response:
        """Answer for the app: its visitor waits here, or is sent back when it runs after all."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        host, name = found
        if self._door.is_trapped(host):
            return answers.nothing()
        view = self._wake_now(host, self._room.view(host, name))
        wait_s = preferred_wait_s(request.headers.get("Prefer", ""))
        if view.state is State.WAKING and wait_s:
            self._places.hold(wait_s, lambda: self._room.view(host, name).state is State.WAKING)
            view = self._room.view(host, name)
        # Who would not keep it awake does not call off its sleep either.
        if view.state is State.DRAINING and asked.is_use(host.activity):
            self._room.call_off_sleep(host)  # it, or another visitor; or it fell asleep
            view = self._room.view(host, name)
        if view.state is State.READY and self._parts.turns.comes_to_lead(name, Leads.ELSEWHERE):
            answer = answers.redirect(HTTPStatus.TEMPORARY_REDIRECT, asked.here(), view.state)
            if wait_s:
                answer.headers["Preference-Applied"] = f"wait={wait_s}"
            return answer
        return self._waiting(host, view)

    def gap(self) -> Response:
        """Answer in place of an app that did not: it crashed, was stopped, or fails by itself."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        host, name = found
        view = self._room.view(host, name, in_doubt=True)
        is_canary = request.headers.get("User-Agent", "").startswith(canary.AGENT)
        if view.state is State.ASLEEP and not is_canary:
            # It was found stopped just now. The wake that this page asks for must come here, too.
            self._parts.turns.comes_to_lead(name, Leads.HERE)
        return self._waiting(host, view, request.args.get("st", type=int))

    def status(self) -> Response:
        """Tell a waiting page how things stand."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        host, name = found
        view = self._refused(host, self._room.view(host, name), self._door.page_admission(host))
        return answers.status(host, view)

    def canary(self, nonce: str) -> Response:  # noqa: ARG002 - it is for the access log
        """Show that this host's requests lead here, to somebody who would wake it."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        g.state = self._room.view(*found).state
        return Response(status=HTTPStatus.NO_CONTENT)

    def wake(self) -> Response:
        """Wake the host for who shows what its gate wants."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        try:
            return self._wake(*found)
        except ProofWanted as wanted:
            return answers.proof_wanted(wanted.work, wanted.wait_s)
        except ChallengeError as error:
            return answers.problem(HTTPStatus.FORBIDDEN, str(error))
        except JournalError as error:
            log.error("%s: no wake is started: %s", found[0].name, error)
            unavailable = HTTPStatus.SERVICE_UNAVAILABLE
            return answers.problem(unavailable, "the journal can't be used")

    def _wake(self, host: Host, name: str) -> Response:
        admission = self._door.page_admission(host)
        view = self._refused(host, self._room.view(host, name), admission)
        if admission is Admission.NONE or (view.refused and view.refused.why is not Refusal.SPENT):
            return answers.waiting(host, view, status=HTTPStatus.FORBIDDEN)
        try:
            begun = self._room.wake(host, self._door.wish(host, admission))
        except BudgetSpent as spent:
            return self._awaited(host, replace(view, refused=spent.refused), begun=False)
        return self._awaited(host, self._room.view(host, name), begun=begun)

    def chess(self) -> Response:
        """Play a puzzle; where the gate wants that, a solved one wakes the host."""
        found = self._find()
        if found is None:
            return answers.unregistered()
        host, name = found
        admission = self._door.page_admission(host)
        view = self._refused(host, self._room.view(host, name), admission)
        if admission is Admission.NONE:
            return answers.brief(host, view)
        game = self._door.move(host)
        wakes = admission is Admission.CHESS
        if wakes and game.outcome is Outcome.SOLVED and not view.refused:
            wish = Wish(visitor=self._door.visitor(host), proof=Proof.CHESS)
            view = self._try_to_wake(host, view, wish)
        return answers.chess(host, view, game, wakes=wakes)

    def script(self) -> Response:
        """Give the page's script what it needs for work."""
        name = request.path.rpartition("/")[2]
        return answers.script(name) if self._find() else answers.unregistered()

    def _awaited(self, host: Host, view: View, *, begun: bool) -> Response:
        """Answer a wish to wake, which the state of the host shows; or that it came too soon."""
        if asked.form() == "text/html":
            return answers.redirect(HTTPStatus.SEE_OTHER, asked.referring_path(), view.state)
        if not begun:
            token = None if view.refused else self._door.challenge(host)
            return answers.waiting(host, view, token=token, status=HTTPStatus.TOO_MANY_REQUESTS)
        answer = answers.status(host, view)
        answer.status_code = HTTPStatus.ACCEPTED
        return answer

    def _find(self) -> tuple[Host, str] | None:
        """Return the host that was asked for, and the name it was asked by."""
        name = asked.hostname()
        host = self._parts.registry().find(name)
        return (host, normalise(name) or host.name) if host else None

    def _waiting(self, host: Host, view: View, origin_status: int | None = None) -> Response:
        admission = self._door.admission(host)
        if admission is Admission.NONE:
            return answers.brief(host, view, origin_status)
        view = self._refused(host, view, admission)
        if view.refused:
            return answers.waiting(host, view, origin_status=origin_status)
        return answers.waiting(
            host,
            view,
            token=None if admission is Admission.CHESS else self._door.challenge(host),
            puzzle=admission is Admission.CHESS,
            automatic=admission in _BY_ITSELF,
            origin_status=origin_status,
        )

    def _refused(self, host: Host, view: View, admission: Admission) -> View:
        """Tell in the view of a host that could be woken why this visitor can't have that."""
        refused = self._door.refusal(host, admission)
        if refused is None and view.state in _WAKEABLE:
            wish = Wish(visitor=self._door.visitor(host), proof=Proof.TRUST)
            with contextlib.suppress(JournalError):  # said when a wake is asked for
                refused = self._room.refusal(host, wish)
        return replace(view, refused=refused)

    def _wake_now(self, host: Host, view: View) -> View:
        """Wake a host by the very request for it, where that is enough."""
        admission = self._door.admission(host)
        if admission is not Admission.NOW or self._door.refusal(host, admission):
            return view
        return self._try_to_wake(host, view, self._door.wish(host, admission))

    def _try_to_wake(self, host: Host, view: View, wish: Wish) -> View:
        """Wake a host and look at it again; the view says what was in the way."""
        if view.state not in _WAKEABLE:
            return view
        try:
            self._room.wake(host, wish)
        except BudgetSpent as spent:
            return replace(view, refused=spent.refused)
        except JournalError as error:
            log.error("%s: no wake is started: %s", host.name, error)
        return self._room.view(host, view.host)


def _broken(error: Exception) -> Response:
    """Answer for a request that we could not handle, and keep the reason for the log."""
    if isinstance(error, HTTPException):
        return answers.problem(HTTPStatus(error.code or HTTPStatus.BAD_REQUEST), error.name)
    log.error("a request could not be answered; this is a fault of ours", exc_info=error)
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    return answers.problem(unavailable, "the waiting room has a fault; try again")
