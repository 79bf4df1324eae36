"""The reception: what a visitor can have of a host just now, as its view says to him.

For use inside Flask's request.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from waitroom.gate.gate import Admission
from waitroom.journal import JournalError
from waitroom.public.door import Door
from waitroom.registry.hosts import Host
from waitroom.room import Room
from waitroom.view import Refusal, Refused, View
from waitroom.waking.budgets import Claim, NotGranted, Proof

log = logging.getLogger(__name__)

_FAULT = Refused(Refusal.FAULT)


class Reception:
    """Of all hosts. Threads: any may call."""

    def __init__(self, room: Room, door: Door) -> None:
        self._room = room
        self._door = door

    def seen(self, host: Host, view: View, admission: Admission) -> View:
        """Tell in the view of a host that could be woken why this visitor can't have that."""
        refused = self._door.refusal(host, admission)
        if refused is None and view.is_wakeable:
            claim = Claim(visitor=self._door.visitor(host), proof=Proof.TRUST)
            try:
                refused = self._room.refusal(host, claim)
            except JournalError:  # the log says so when a wake is asked for
                refused = _FAULT
        return replace(view, refused=refused)

    def woken_now(self, host: Host, view: View, admission: Admission) -> View:
        """Wake a host by the very request for it, where that is enough."""
        if admission is not Admission.NOW or self._door.refusal(host, admission):
            return view
        return self.woken(host, view, self._door.claim(host, admission))

    def woken(self, host: Host, view: View, claim: Claim) -> View:
        """Wake a host and look at it again; the view says what was in the way."""
        if not view.is_wakeable:
            return view
        try:
            self.wake(host, claim)
        except NotGranted as error:
            return replace(view, refused=error.refused)
        return self._room.view(host, view.host)

    def wake(self, host: Host, claim: Claim) -> bool:
        """Wake a host, see Room.wake. Raises: NotGranted."""
        try:
            return self._room.wake(host, claim)
        except JournalError as error:
            log.error("%s: no wake is started: %s", host.name, error)
            raise NotGranted(_FAULT) from error
