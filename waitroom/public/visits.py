"""Who comes: every GET, and whatever else was meant for the app.

It changes nothing but what calls off a sleep, and wakes only where the gate lets any request do so.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g, request

from waitroom.gate.gate import Admission
from waitroom.public import answers, asked, forms
from waitroom.public.door import Door
from waitroom.public.holding import Places, preferred_wait_s
from waitroom.public.reception import Reception
from waitroom.public.turns import Turns
from waitroom.registry.hosts import Host
from waitroom.room import Room
from waitroom.view import State, View
from waitroom.waking import canary
from waitroom.waking.canary import Leads

# What the page's script may ask for without a click.
_BY_ITSELF = (Admission.NOW, Admission.FREE, Admission.WORK)


class Visits:
    """The handlers. Each gets the host, and the name that it was asked for by."""

    def __init__(self, room: Room, door: Door, reception: Reception, turns: Turns) -> None:
        self._room = room
        self._door = door
        self._reception = reception
        self._turns = turns
        self._places = Places()

    def any_path(self, host: Host, name: str) -> Response:
        """Answer for the app: its visitor waits here, or is sent back when it runs after all."""
        if self._door.is_trapped(host):
            return Response(status=HTTPStatus.NOT_FOUND)
        admission = self._door.admission(host)
        view = self._reception.woken_now(host, self._room.view(host, name), admission)
        wait_s = preferred_wait_s(request.headers.get("Prefer", ""))
        if view.state is State.WAKING and wait_s:
            self._places.hold(wait_s, lambda: self._room.view(host, name).state is State.WAKING)
            view = self._room.view(host, name)
        # Who would not keep it awake does not call off its sleep either.
        if view.state is State.DRAINING and asked.is_use(host.activity):
            self._room.call_off_sleep(host)  # it, or another visitor; or it fell asleep
            view = self._room.view(host, name)
        if view.state is State.READY and self._turns.comes_to_lead(name, Leads.ELSEWHERE):
            answer = forms.redirect(HTTPStatus.TEMPORARY_REDIRECT, asked.here(), view.state)
            if wait_s:
                answer.headers["Preference-Applied"] = f"wait={wait_s}"
            return answer
        return self._waiting(host, view, admission)

    def gap(self, host: Host, name: str) -> Response:
        """Answer in place of an app that did not: it crashed, was stopped, or fails by itself."""
        view = self._room.view(host, name, in_doubt=True)
        is_canary = request.headers.get("User-Agent", "").startswith(canary.AGENT)
        if view.state is State.ASLEEP and not is_canary:
            # It was found stopped just now. The wake that this page asks for must come here, too.
            self._turns.comes_to_lead(name, Leads.HERE)
        admission = self._door.admission(host)
        return self._waiting(host, view, admission, request.args.get("st", type=int))

    def status(self, host: Host, name: str) -> Response:
        """Tell a waiting page how things stand."""
        admission = self._door.page_admission(host)
        view = self._reception.seen(host, self._room.view(host, name), admission)
        return answers.status(host, view)

    def canary(self, host: Host, name: str, nonce: str) -> Response:  # noqa: ARG002 - it is for the log
        """Show that this host's requests lead here, to somebody who would wake it."""
        g.state = self._room.view(host, name).state
        return Response(status=HTTPStatus.NO_CONTENT)

    def script(self, _host: Host, _name: str) -> Response:
        """Give the page's script what it needs for work."""
        return forms.script(request.path.rpartition("/")[2])

    def _waiting(
        self, host: Host, view: View, admission: Admission, origin_status: int | None = None
    ) -> Response:
        if admission is Admission.NONE:
            return answers.brief(host, view, origin_status=origin_status)
        # What was in the way of a wake a moment ago is not asked about again.
        view = view if view.refused else self._reception.seen(host, view, admission)
        if admission is Admission.BROWSER:
            return answers.brief(host, view, hint=True, origin_status=origin_status)
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
