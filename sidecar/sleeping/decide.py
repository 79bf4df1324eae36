"""Deciding who is to sleep: each host that the agenda calls up is asked about, and put to sleep.

Whatever may block (a provider, a handshake) runs in a thread of its own, one a host.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sidecar.record.events import Event
from sidecar.sleeping import questions
from sidecar.sleeping.agenda import Agenda
from sidecar.sleeping.questions import CalledOff, Why
from sidecar.sleeping.sleep import Handshake
from sidecar.sleeping.uses import Uses
from traefik.folder import Shadow
from waitroom.errors import Reason, UpstreamError
from waitroom.idle import Wish, time_left
from waitroom.kinds import Kind
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Phase, Status
from waitroom.upstreams.connect import Connector

log = logging.getLogger(__name__)

# How many hosts are asked about or put to sleep at once; each takes a thread while it lasts.
_AT_ONCE = 8


class Decider:
    """Puts idle hosts to sleep. The loop calls; what begins with `_consider` is a host's thread."""

    def __init__(
        self,
        uses: Uses,
        handshake: Handshake,
        connect: Connector,
        note_stopped: Callable[[str], None],
    ) -> None:
        """`note_stopped`: told of each look at a host that is stopped and shadowed."""
        self._uses = uses
        self._handshake = handshake
        self._connect = connect
        self._note_stopped = note_stopped
        self._folder = handshake.folder
        self._agenda = Agenda(lambda name: self._folder.shadow(name) is not None)
        self._heard: dict[str, Wish] = {}  # the last wish of each host that was looked at
        self._why: dict[str, Why] = {}  # the last reason not to sleep, to say it once

    def decide(self, hosts: Iterable[Host]) -> None:
        """Begin to consider every host whose recorded use is old enough."""
        for host in hosts:
            if len(self._agenda.taken) >= _AT_ONCE:
                return
            is_new = self._hears_wish(host.name)
            if not self._agenda.is_due(host.name):
                continue
            left_s = self._left_s(host, None)
            if left_s > 0 and not is_new and not self._is_cut_short(host):
                self._agenda.put_off(host.name, left_s)
                self._why.pop(host.name, None)
                continue
            self._take(host)

    def _take(self, host: Host) -> None:
        thread = threading.Thread(
            target=self._consider, args=(host,), name=f"sleep-{host.name}", daemon=True
        )
        self._agenda.taken.add(host.name)
        try:
            thread.start()
        except RuntimeError as error:  # or it would be taken for ever, and never sleep
            self._agenda.taken.discard(host.name)
            self._agenda.retry(host.name, host.idle_after.total_seconds())
            log.error("%s: not put to sleep, the system has no thread left: %s", host.name, error)

    def look_at_all(self) -> None:
        """Consider all hosts again: other rules hold now."""
        self._agenda.look_at_all()

    def learn(self, event: Event) -> None:
        """Look again at a host of which something may have become due.

        It was kept awake, and is released; or its wake has failed: what that started runs on behind
        its shadow, and is not stopped before its idle_after is over, as it may only be slow.
        """
        if event["kind"] in (Kind.RELEASED, Kind.WAKE_FAILED):
            self._agenda.call_up(event["host"])

    def call_off(self) -> None:
        """End every draining that is under way."""
        for name in tuple(self._agenda.taken):
            try:
                self._folder.call_off(name)
            except OSError as error:
                log.error("%s: the draining file can't be removed: %s", name, error)

    def _left_s(self, host: Host, status: Status | None) -> float:
        left = time_left(self._uses.of(host, status), host.idle_after, datetime.now(UTC))
        return left.total_seconds()

    def _hears_wish(self, name: str) -> bool:
        """Whether an operator wishes it to sleep who was not heard yet; it is looked at now."""
        wish = self._uses.wish(name)
        if wish is None or name in self._agenda.taken or self._heard.get(name) == wish:
            return False
        self._heard[name] = wish
        self._why.pop(name, None)  # whoever wished it is told, also if it is the old reason
        self._agenda.call_up(name)
        return True

    def _consider(self, host: Host) -> None:
        """Ask the provider, and put the host to sleep if it runs idle."""
        longest_s = host.idle_after.total_seconds()
        try:
            self._agenda.put_off(host.name, self._put_to_sleep(host))
        except CalledOff as off:
            self._agenda.retry(host.name, longest_s)
            self._say_called_off(host, off)
        except UpstreamError as error:
            self._agenda.retry(host.name, longest_s)
            self._say_failed(host, error)
        except Exception:
            log.exception("%s: a sleep broke; this is a fault of ours", host.name)
            self._agenda.put_off(host.name, longest_s)
            self._folder.call_off(host.name)
        finally:
            self._agenda.taken.discard(host.name)

    def _put_to_sleep(self, host: Host) -> float:
        """Do so if it runs idle; return in how many seconds to look again."""
        status = self._status(host)
        self._uses.note(host, status)
        if status.phase is Phase.STOPPED and self._folder.shadow(host.name) is Shadow.ASLEEP:
            self._agenda.believe_asleep(host.name)
            self._note_stopped(host.name)
        if not questions.is_running(status).holds:
            return host.idle_after.total_seconds()
        if self._is_cut_short(host):
            if self._handshake.finish(host):
                self._note_stopped(host.name)
            return 0
        left_s = self._left_s(host, status)
        if left_s > 0:
            self._answer_wish(host, status)
            return left_s
        self._handshake.put_to_sleep(host, status)
        self._agenda.succeed(host.name)
        self._why.pop(host.name, None)
        return host.idle_after.total_seconds()

    def _is_cut_short(self, host: Host) -> bool:
        """Whether an earlier process may have died over its stop; a wake waits for its end."""
        return self._handshake.stops.is_cut_short(host.name, self._uses.watched_since)

    def _answer_wish(self, host: Host, status: Status) -> None:
        """Say why it does not sleep, if an operator wished that. Raises: CalledOff."""
        if self._uses.wish(host.name) is None:
            return
        use, now = self._uses.of(host, status), datetime.now(UTC)
        for answer in (questions.is_not_kept(use, now), questions.is_unused(host, use, now)):
            if not answer.holds:
                raise CalledOff(answer.why, answer.text)

    def _status(self, host: Host) -> Status:
        """Say what its provider says; of one that sleeps, what it said of many a minute ago."""
        asleep = self._folder.shadow(host.name) is Shadow.ASLEEP
        if asleep and self._connect.is_listed_stopped(host):
            return Status(Phase.STOPPED)
        try:
            status = self._connect(host).status()
        except UpstreamError as error:
            if error.reason is Reason.MISSING:  # whoever makes it starts it, too
                self._uses.note(host, Status(Phase.STOPPED))
            raise CalledOff(Why.NOT_KNOWN, str(error)) from error
        if status.phase is not Phase.STOPPED:
            self._connect.note_running(host)
        return status

    def _say_called_off(self, host: Host, off: CalledOff) -> None:
        """Log and record it when the reason is new; a WebSocket may stay open for days."""
        if self._why.get(host.name) is off.why:
            return
        self._why[host.name] = off.why
        log.info("%s: not put to sleep: %s", host.name, off)
        self._handshake.record(Kind.SLEEP_CALLED_OFF, host.name, reason=off.why, detail=str(off))

    def _say_failed(self, host: Host, error: UpstreamError) -> None:
        log.error("%s: could not be stopped, will be tried again: %s", host.name, error)
        self._handshake.record(Kind.STOP_FAILED, host.name, reason=error.reason, detail=str(error))
