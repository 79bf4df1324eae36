"""What an operator orders: wake, sleep, keep awake, release; and what becomes of it.

The waiting room wakes by itself. For the rest it writes the order into the journal, which the
sidecar reads and acts on; what the sidecar then did stands in activity.json.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from waitroom.errors import UpstreamError, WaitroomError
from waitroom.idle import STOP_ENDS, WISH_STANDS, Wish
from waitroom.journal import Journal
from waitroom.kinds import Kind
from waitroom.language.words import message
from waitroom.record.records import Event, Latest
from waitroom.registry.hosts import Host
from waitroom.room import Room
from waitroom.signs import answers, moment
from waitroom.upstreams.base import Phase
from waitroom.view import State
from waitroom.waking.budgets import Claim, Proof
from waitroom.waking.statuses import Statuses

log = logging.getLogger(__name__)

# What is to hold for longer than a month belongs into hosts.yaml, where all can see it.
_LONGEST_KEEP = timedelta(days=28)
_FRESH_S = 0.5
# Traefik reads a route in half of that. A canary would know, but to the sidecar the connection
# that it leaves is a visitor.
_TURNED_AFTER_S = 0.4


class OrderError(WaitroomError):
    """An order that can't be carried out as things stand."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an order so far."""

    done: bool
    ok: bool
    text: str  # a sentence for people


class Orders:
    """Takes the orders. Threads: any may call. What gives an order raises JournalError."""

    def __init__(
        self, *, room: Room, statuses: Statuses, journal: Journal, recorded: Latest
    ) -> None:
        self._room = room
        self._statuses = statuses
        self._journal = journal
        self._recorded = recorded

    def wake(self, host: Host, by: str) -> None:
        """Begin to wake it, whatever its gate. Raises: OrderError."""
        log.info("%s: %s wishes it to be awake", host.name, by)
        if not self._room.wake(host, Claim(visitor="operator", proof=Proof.ORDER, by=by)):
            again_s = math.ceil(self._room.view(host, host.name).again_s or 1)
            text = f"its wake has failed a moment ago; try again in {again_s} s"
            raise OrderError(f"{host.name}: {text}")

    def woken(self, host: Host) -> Outcome:
        """Return how far a wake has come; it ends when Traefik leads to the app."""
        view = self._room.view(host, host.name)
        if view.state is State.READY and view.elapsed_s > _TURNED_AFTER_S:
            return Outcome(done=True, ok=True, text=f"{host.name} is awake.")
        return Outcome(done=view.state is State.FAILED, ok=False, text=message(view, "en"))

    def sleep(self, host: Host, by: str, *, force: bool, reason: str) -> datetime | None:
        """Have it put to sleep now, and return the moment of the order; None if it sleeps already.

        Raises: OrderError.
        """
        if force and not reason:
            raise OrderError("by force only with a reason")
        if self._sleeps(host):
            return None
        if not self._recorded.is_watched():
            raise OrderError("the sidecar, which would do it, gives no sign of life")
        log.info("%s: %s wishes it to sleep%s", host.name, by, ", by force" if force else "")
        why = {"reason": reason} if reason else {}
        return self._journal.append(Kind.SLEEP_REQUESTED, host.name, by=by, force=force, **why)

    def slept(self, host: Host, at: datetime, now: datetime) -> Outcome:
        """Return what has become of an order to sleep."""
        events = self._recorded.records().since(host, at)
        forced = any(e["kind"] == Kind.SLEEP_REQUESTED and e.get("force") is True for e in events)
        wish = Wish(at, "", force=forced)
        if answer := next((event for event in events if answers(event, wish)), None):
            return _answered(host, answer)
        kinds = {str(event["kind"]): event for event in events}
        began = kinds.get(Kind.SLEEP_STARTED)
        lasts, since = (STOP_ENDS, moment(began["at"]) or at) if began else (WISH_STANDS, at)
        if now - since > lasts:
            return Outcome(done=True, ok=False, text=f"{host.name}: nothing came of it in time")
        if Kind.STOP_FAILED in kinds:
            text = f"{host.name}: its stop has failed: {kinds[Kind.STOP_FAILED].get('detail')}"
            return Outcome(done=False, ok=False, text=f"{text}; it is tried again")
        doing = "it is being stopped" if began else "the handshake is under way"
        return Outcome(done=False, ok=False, text=f"{host.name}: {doing}")

    def keep(self, host: Host, by: str, until: datetime) -> str:
        """Keep it awake until then, and return what is so now. Raises: OrderError."""
        now = datetime.now(UTC)
        if not now < until <= now + _LONGEST_KEEP:
            raise OrderError(
                f"{host.name}: {until.isoformat()} is not within the next 28 days; `awake` in"
                " hosts.yaml is for more"
            )
        log.info("%s: %s keeps it awake until %s", host.name, by, until.isoformat())
        until = until.astimezone(UTC)
        self._journal.append(Kind.KEPT, host.name, by=by, until=until)
        asleep = " once it is woken; it sleeps now" if self._sleeps(host) else ""
        return f"{host.name} is kept awake until {until:%Y-%m-%d %H:%M} UTC{asleep}."

    def release(self, host: Host, by: str) -> None:
        """Keep it awake no more; its windows hold all the same."""
        log.info("%s: %s releases it", host.name, by)
        self._journal.append(Kind.RELEASED, host.name, by=by)

    def _sleeps(self, host: Host) -> bool:
        try:
            return self._statuses.get(host, fresh_s=_FRESH_S).phase is Phase.STOPPED
        except UpstreamError:
            return False  # the sidecar asks it again, and says so


def _answered(host: Host, event: Event) -> Outcome:
    if event["kind"] == Kind.SLEPT:
        return Outcome(done=True, ok=True, text=f"{host.name} sleeps.")
    why = event.get("detail") or event.get("reason")
    return Outcome(done=True, ok=False, text=f"{host.name} was not put to sleep: {why}")
