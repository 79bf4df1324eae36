"""Grants: the wakes that were paid for, in the journal and in the budgets, which say the same.

What was granted is read from the journal before the first question, so no restart resets a budget.
A journal that can't be read or written grants nothing. One thread at a time may use this: between
the question and the line in the journal nobody else may ask.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from traefik.folder import RouteFolder
from waitroom.journal import Journal
from waitroom.kinds import Kind
from waitroom.registry.hosts import Host, TotalBudget
from waitroom.view import Refused
from waitroom.waking.budgets import Budgets, Claim, Left, NotGranted

log = logging.getLogger(__name__)

# Thousands may ask; that they are refused is written down once an hour.
_SAID_EVERY = timedelta(hours=1)


class Grants:
    """Of all hosts."""

    def __init__(
        self, journal: Journal, folder: RouteFolder, total: Callable[[], TotalBudget]
    ) -> None:
        """`total`: the budget of all hosts together, as hosts.yaml says now."""
        self._journal = journal
        self._folder = folder
        self._total = total
        self._budgets: Budgets | None = None  # None until the journal was read
        self._said: dict[str, datetime] = {}  # when a host's last refusal was written down

    def recall(self) -> list[dict[str, Any]]:
        """Read the journal and return all its events. Raises: JournalError."""
        events = list(self._journal.events())
        self._budgets = Budgets(events)
        return events

    def refusal(self, host: Host, claim: Claim, under_way: int) -> Refused | None:
        """Return why this claim is not granted now, if it is not.

        `under_way`: how many wakes of all hosts are.

        Raises: JournalError, also if the last grant could not be written, nor could it be now.
        """
        self._journal.demand()
        return self._recalled().refusal(
            claim,
            host,
            self._total(),
            now=datetime.now(UTC),
            asleep_since=self._asleep_since(host),
            under_way=under_way,
        )

    def left(self, host: Host) -> Left:
        """Return what a host has left of its budget. Raises: JournalError."""
        return self._recalled().left(
            host, self._total(), now=datetime.now(UTC), asleep_since=self._asleep_since(host)
        )

    def grant(self, host: Host, claim: Claim, under_way: int) -> datetime:
        """Write the wake to the journal and return its time.

        Raises: NotGranted, JournalError. Then it must not begin.
        """
        refused = self.refusal(host, claim, under_way)
        if refused:
            self._note(host, refused)
            raise NotGranted(refused)
        asleep_since = self._asleep_since(host)
        fields = {
            "visitor": claim.visitor,
            "gate": host.gate,
            "proof": claim.proof,
            "asleep_since": asleep_since,
            **({"by": claim.by} if claim.by else {}),
        }
        at = self._journal.append(Kind.WAKE_REQUESTED, host.name, **fields)
        self._recalled().grant(host.name, claim, at, asleep_since)
        return at

    def _recalled(self) -> Budgets:
        if self._budgets is None:
            self._budgets = Budgets(self._journal.events())
        return self._budgets

    def _note(self, host: Host, refused: Refused) -> None:
        now = datetime.now(UTC)
        said = self._said.get(host.name)
        if said is None or now - said > _SAID_EVERY:
            self._said[host.name] = now
            why = "a budget is spent" if refused.until else "as many wakes are under way as may be"
            log.warning("%s: not woken, because %s", host.name, why)
            fields = {"reason": refused.why, "until": refused.until}
            self._journal.append(Kind.WAKE_REFUSED, host.name, **fields)

    def _asleep_since(self, host: Host) -> datetime | None:
        since_s = self._folder.asleep_since(host.name)
        return None if since_s is None else datetime.fromtimestamp(since_s, UTC)
