"""What was awake, what it saved, and what went wrong: the sums of the audit and the dashboard.

Pure: events in, a summary a host out. How long a host was awake, the ledger says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from waitroom.kinds import Kind
from waitroom.record import reckoning
from waitroom.record.ledger import Ledger, OnSpan
from waitroom.record.occurrence import ALL_HOSTS, Event, microseconds
from waitroom.record.opening import Opening
from waitroom.record.standing import State
from waitroom.record.summary import Price, Summary, Window

# One is enough unless a clock was set back, and two nearly always: what is yet to come by the first
# reckoning, and so passed over, may by the second show that the clock was set once more.
_LOOKS = 5


class Audit:
    """Adds up events, given in the order in which they were recorded.

    A clock that was set back makes other dates of what was recorded before. So then all has to be
    added up anew, by the reckoning that came out.
    """

    def __init__(
        self,
        window: Window,
        opening: Opening | None = None,
        host: str | None = None,
        on_span: OnSpan = lambda *_: None,
        believed: Sequence[int] | None = None,
    ) -> None:
        """Begin with `opening`, how all stood before the first event; None: with no knowledge.

        `host`: the only one that is asked about. `on_span`: told of each span in the window.
        `believed`: what an audit of the same events reckoned.
        """
        self._window = window
        self._host = host
        self._on_span = on_span
        self._ledger = Ledger(self._spend, opening.ledger if opening else None, believed)
        self._believed = believed
        self._summaries: dict[str, Summary] = {}

    def add(self, event: Event) -> None:
        """Take in what happened next."""
        at_us = event.at_us()
        if event.host == ALL_HOSTS:
            self._ledger.add(event, at_us)
            return
        time = self._ledger.steady
        date_us = at_us - time.offset + time.shift  # `time.date`, without the call: a million times
        if date_us > self._window.now_us:
            return
        if (self._host is not None and self._host != event.host) or (
            time.was_set_back and self._believed is None
        ):
            self._ledger.pass_by(at_us)
            return
        note = self._NOTES.get(event.kind)
        # Before the ledger has it: a sleep ends what it knows of the wake before.
        if note is not None and self._window.includes(date_us):
            note(self, event)
        self._ledger.add(event, at_us)

    def contradiction(self) -> Sequence[int] | None:
        """Return the reckoning to add all up by anew, see `Steady`; None: this one has held.

        A clock that was believed, and set back later, makes it another one.
        """
        steps = self._ledger.steady.steps
        offsets = reckoning.offsets(steps)
        believed = [step.offset for step in steps] if self._believed is None else self._believed
        return None if offsets == believed else offsets

    def summaries(self, prices: Mapping[str, Price]) -> list[Summary]:
        """Return all hosts of which there is anything in the window. Ends the adding."""
        self._ledger.close(self._window.now_us)
        for summary in self._summaries.values():
            summary.price = prices.get(summary.host)
        return sorted(self._summaries.values(), key=lambda summary: summary.host)

    def _of(self, host: str) -> Summary:
        summary = self._summaries.get(host)
        if summary is None:
            summary = self._summaries[host] = Summary(host)
        return summary

    def _spend(self, host: str, state: State, start_us: int, end_us: int) -> None:
        start_us, end_us = self._window.cut(start_us, end_us)
        if start_us >= end_us:
            return
        spent_us = end_us - start_us
        self._on_span(host, state, start_us, end_us)
        summary = self._of(host)
        if state is State.AWAKE:
            summary.awake_us += spent_us
        elif state is State.ASLEEP:
            summary.asleep_us += spent_us
        else:
            summary.unknown_us += spent_us

    # What counts by its number.

    def _wake(self, event: Event) -> None:
        summary = self._of(event.host)
        summary.wakes += 1
        if event.took_s is not None:
            summary.took_s.append(event.took_s)

    def _sleep(self, event: Event) -> None:
        """Count a wake as false when the sleep after it rests on a use before it."""
        woken_us = self._ledger.woken_us(event.host)
        if woken_us is not None and not self._was_used_since(event, woken_us):
            self._of(event.host).false_wakes += 1

    def _was_used_since(self, event: Event, moment_us: int) -> bool:
        last_used = event.evidence.last_used if event.evidence else None
        if last_used is None:
            return False
        return self._ledger.steady.date(microseconds(last_used)) > moment_us

    def _call_off(self, event: Event) -> None:
        self._of(event.host).sleeps_called_off += 1

    def _fail_to_stop(self, event: Event) -> None:
        self._of(event.host).failed_stops += 1

    _NOTES: ClassVar[dict[str, Callable[[Audit, Event], None]]] = {
        Kind.WOKEN: _wake,
        Kind.SLEPT: _sleep,
        Kind.SLEEP_CALLED_OFF: _call_off,
        Kind.STOP_FAILED: _fail_to_stop,
    }


def summarise(
    read: Callable[[], Iterable[Event]],
    window: Window,
    prices: Mapping[str, Price],
    opening: Opening | None = None,
    host: str | None = None,
) -> list[Summary]:
    """Return a summary of each host, or of one. `read`: asked for the events once or more.

    `opening`: how all stood before the first event.
    """
    audit = add_up(read, lambda believed: Audit(window, opening, host, believed=believed))
    return audit.summaries(prices)


def add_up(
    read: Callable[[], Iterable[Event]], begin: Callable[[Sequence[int] | None], Audit]
) -> Audit:
    """Return an audit that all events are added to; `begin` makes it by a reckoning.

    One that after `_LOOKS` still contradicts itself is returned as it is.
    """
    believed = None
    for _ in range(_LOOKS):
        audit = begin(believed)
        for event in read():
            audit.add(event)
        believed = audit.contradiction()
        if believed is None:
            break
    return audit
