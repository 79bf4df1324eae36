"""Who asks for a wake: by a POST with a token and what the gate wants, or by a mate in one."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from flask import Response

from waitroom.gate.challenges import ChallengeError
from waitroom.gate.game import Outcome
from waitroom.gate.gate import Admission
from waitroom.public import answers, asked, forms
from waitroom.public.door import Door, ProofWanted
from waitroom.public.reception import Reception
from waitroom.registry.hosts import Host
from waitroom.room import Room
from waitroom.view import Refusal, View
from waitroom.waking.budgets import Claim, NotGranted, Proof

# Of a wake that is refused whatever the visitor does; not here: he does not get it.
_NOT_NOW = {
    Refusal.SPENT: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal.FAULT: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Wakes:
    """The handlers. Each gets the host, and the name that it was asked for by."""

    def __init__(self, room: Room, door: Door, reception: Reception) -> None:
        self._room = room
        self._door = door
        self._reception = reception

    def wake(self, host: Host, name: str) -> Response:
        """Wake the host for who shows what its gate wants."""
        admission = self._door.page_admission(host)
        view = self._reception.seen(host, self._room.view(host, name), admission)
        if admission is Admission.NONE or (view.refused and view.refused.why not in _NOT_NOW):
            return answers.waiting(host, view, status=HTTPStatus.FORBIDDEN)
        try:
            begun = self._reception.wake(host, self._door.claim(host, admission))
        except ProofWanted as wanted:
            return forms.proof_wanted(wanted.work, wanted.wait_s)
        except ChallengeError as error:
            if asked.wants_page():  # perhaps its button was pressed twice; else there is a new one
                return forms.redirect(HTTPStatus.SEE_OTHER, asked.way_back(), view.state)
            return forms.problem(HTTPStatus.FORBIDDEN, str(error))
        except NotGranted as error:
            return self._awaited(host, replace(view, refused=error.refused), begun=False)
        return self._awaited(host, self._room.view(host, name), begun=begun)

    def chess(self, host: Host, name: str) -> Response:
        """Play a puzzle; where the gate wants that, a solved one wakes the host."""
        admission = self._door.page_admission(host)
        view = self._reception.seen(host, self._room.view(host, name), admission)
        if admission is Admission.NONE:
            return answers.brief(host, view)
        game = self._door.move(host)
        wakes = admission is Admission.CHESS
        if wakes and game.outcome is Outcome.SOLVED and not view.refused:
            claim = Claim(visitor=self._door.visitor(host), proof=Proof.CHESS)
            view = self._reception.woken(host, view, claim)
        return answers.chess(host, view, game, wakes=wakes)

    def _awaited(self, host: Host, view: View, *, begun: bool) -> Response:
        """Answer a claim to a wake, which the state of the host shows; or that it came too soon."""
        if asked.form() == "text/html":
            return forms.redirect(HTTPStatus.SEE_OTHER, asked.way_back(), view.state)
        if view.refused and not begun:
            return answers.waiting(host, view, status=_NOT_NOW[view.refused.why])
        if not begun:
            token = self._door.challenge(host)
            return answers.waiting(host, view, token=token, status=HTTPStatus.TOO_MANY_REQUESTS)
        answer = answers.status(host, view)
        answer.status_code = HTTPStatus.ACCEPTED
        return answer
