"""The ledger: from what happened to when each host was awake, asleep, or nobody knows which.

Pure: events in, spans out. Everything that says how long a host was awake asks this module, the
hours in activity.json and the audit alike, so that they can't disagree.

Events come in the order in which they were recorded. What they mean:

- awake is what costs: from the request of a wake that succeeded (the upstream is started then),
  through the stop of a sleep, until the provider says that it has stopped (`slept`). A stop that
  fails leaves it awake; a sleep that is called off shows that it runs.
- `found_running` and `found_stopped` say what somebody did by hand; the span begins where it was
  found, which takes up to a minute.
- A wake that fails because nothing could be started leaves the host asleep. After one that fails
  otherwise, or was cut off and never ended, the host is unknown from its request on, until an event
  says what it does.
- Before a host's first event it is unknown. The record itself begins with the first event of all.
- `watch_started` says for how long nobody had watched (a restart, a crash, a machine that was off).
  What a host did before and does after is joined if they agree. If an event of the next minutes,
  in which the hosts are looked at again, says otherwise, that time is unknown. A sleep whose
  end nobody saw is unknown from then on.
- `clock_step` says by how much the clock was set. A process that begins with a clock behind the
  last event has been set back while it was off. A span is as long as it really was; no moment comes
  twice: a clock that was wrong and set right again has been right, see `reckoning`. What a clock
  has skipped is unknown.
- An event that is older than the last of its host was recorded late; it counts as of that moment.

Inside, time is steady, see `steady`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

from waitroom.errors import Reason
from waitroom.kinds import Kind
from waitroom.record import standing
from waitroom.record.occurrence import ALL_HOSTS, Event
from waitroom.record.standing import Account, Standing, State
from waitroom.record.steady import Steady

# By then after a restart every host has been looked at again, those believed asleep too.
_SETTLED_US = 15 * 60 * 1_000_000
# So late may it still show that a clock was wrong; an audit of all events looks back for ever.
_CLOCKS_KEPT_US = 400 * 24 * 3600 * 1_000_000
NOTHING_STARTED = frozenset(
    {Reason.MISSING, Reason.PERMISSION, Reason.CREDENTIALS, Reason.CAPACITY, Reason.QUOTA}
)


# Host, its state, and from when to when: microseconds since 1970.
OnSpan = Callable[[str, State, int, int], None]


class Ledger:
    """Tells each span once it is certain."""

    def __init__(
        self, on_span: OnSpan, known: object = None, believed: Sequence[int] | None = None
    ) -> None:
        """Go on from what `document` said. Raises: msgspec.ValidationError if it did not.

        `believed`: what `steady.reckoning` said after all events; without it a span is told by what
        was known of the clock then.
        """
        known = standing.load(known) if known is not None else Standing()
        self._tell = on_span
        self._began = known.began
        self.steady = Steady(known.newest, known.steps, believed)
        self._accounts = {account.host: account for account in known.accounts}

    def document(self) -> dict[str, Any]:
        """Return what a later process has to know."""
        time, accounts = self.steady, list(self._accounts.values())
        known = Standing(self._began, time.newest, time.steps, accounts)
        document: dict[str, Any] = msgspec.to_builtins(known)
        return document

    def state(self, host: str) -> State:
        """Return what a host does now, as far as is known. Any thread may ask."""
        account = self._accounts.get(host)
        return account.state if account else State.UNKNOWN

    def woken_us(self, host: str) -> int | None:
        """Return the date when the wake was requested since which it has not slept."""
        account = self._accounts.get(host)
        if account is None or account.woken is None:
            return None
        return self.steady.date_of(account.woken)

    def add(self, event: Event, at_us: int) -> None:
        """Take in what happened next, and when: `event.at_us()`."""
        account = self._accounts.get(event.host)
        if account is None:
            began = self._begin(at_us)
            if event.host == ALL_HOSTS:
                self._concern_all(event, at_us)
                return
            account = self._accounts[event.host] = Account(event.host, began, began)
        time = self.steady
        at = at_us - time.offset
        time.newest = max(time.newest, at)
        act = self._ACTS.get(event.kind)
        if act is not None:
            if account.doubt is not None:  # a million calls take long
                _settle(account, at)
            account.latest = max(account.latest, at)
            act(self, account, account.latest, event)

    def pass_by(self, at_us: int) -> None:
        """Note only when something happened that is not asked about."""
        self._begin(at_us)
        self.steady.newest = max(self.steady.newest, at_us - self.steady.offset)

    def _begin(self, at_us: int) -> int:
        """Return when the record begins: now, if it has not."""
        if self._began is None:
            self._began = at_us
            self.steady.begin(at_us)
        return self._began

    def tell_until(self, now_us: int) -> None:
        """Tell of every host what is certain until now (wall clock)."""
        now = now_us - self.steady.offset
        for account in self._accounts.values():
            _settle(account, now)
            certain = min(t for t in (now, account.asked, account.doubt) if t is not None)
            self._end(account, certain)
        first = min((account.since for account in self._accounts.values()), default=now)
        self.steady.forget_before(first - _CLOCKS_KEPT_US)

    def go_on(self, on_span: OnSpan) -> None:
        """Tell to another from now on, by what is known of the clock then."""
        self._tell = on_span
        self.steady.go_on()

    def close(self, now_us: int) -> None:
        """Tell all there is until now (wall clock), or the last event; nothing may follow."""
        now = max(now_us - self.steady.offset, self.steady.newest)
        for account in self._accounts.values():
            if account.asked is not None:
                self._end(account, account.asked)
                account.state = State.UNKNOWN
            self._end(account, now)

    # What events say about all hosts.

    def _concern_all(self, event: Event, at_us: int) -> None:
        since = self.steady.take(event, at_us)
        if since is not None:
            self._doubt_all(since, self.steady.newest)

    def _doubt_all(self, since: int, until: int) -> None:
        for account in self._accounts.values():
            # What was recorded meanwhile, by the other process, is known all the same.
            since_here = max(since, account.latest)
            if account.stopping:
                account.stopping = False
                self._turn(account, State.UNKNOWN, since_here)
            elif account.doubt is None or account.settled < since_here:
                account.doubt = since_here
            account.settled = until + _SETTLED_US

    # What events say about one host.

    def _ask(self, account: Account, at: int, _: Event) -> None:
        if account.asked is not None:  # that wake was cut off, and may have started it or not
            self._turn(account, State.UNKNOWN, account.asked)
        account.asked = at
        account.requested = at
        if account.state is State.ASLEEP:  # it had to be woken, so it slept until now
            account.doubt = None

    def _run(self, account: Account, at: int, event: Event) -> None:
        """Note that it runs: since the wake that was requested, if there was one."""
        # Its kind as text: an audit asks a million times, and a member of an enum takes longer.
        if event.kind == "sleep_called_off" and event.reason == "not_known":
            return
        began, account.asked = account.asked, None
        if event.kind == "woken":
            requested, account.requested = account.requested, None
            account.woken = at if requested is None else requested
        account.stopping = event.kind == "sleep_started"
        self._turn(account, State.AWAKE, at if began is None else began)

    def _stop(self, account: Account, at: int, _: Event) -> None:
        account.stopping = False
        account.woken = None
        if account.asked is not None:
            if account.state is State.AWAKE:  # the wake waits for this stop, and then starts it
                account.asked = at
            else:
                self._turn(account, State.UNKNOWN, account.asked)
                account.asked = None
        self._turn(account, State.ASLEEP, at)

    def _fail(self, account: Account, at: int, event: Event) -> None:
        asked, account.asked = account.asked, None
        if event.reason not in NOTHING_STARTED:
            self._turn(account, State.UNKNOWN, at if asked is None else asked)

    def _turn(self, account: Account, state: State, at: int) -> None:
        """Let a state begin, unless it goes on."""
        doubt, account.doubt = account.doubt, None
        if account.state is state:
            return
        if doubt is not None and doubt <= at <= account.settled:
            self._end(account, doubt)
            account.state = State.UNKNOWN
        self._end(account, at)
        account.state = state

    _ACTS: ClassVar[dict[str, Callable[[Ledger, Account, int, Event], None]]] = {
        Kind.WAKE_REQUESTED: _ask,
        Kind.WOKEN: _run,
        Kind.FOUND_RUNNING: _run,
        Kind.SLEEP_STARTED: _run,
        Kind.SLEEP_CALLED_OFF: _run,
        Kind.STOP_FAILED: _run,
        Kind.SLEPT: _stop,
        Kind.FOUND_STOPPED: _stop,
        Kind.WAKE_FAILED: _fail,
    }

    # Telling.

    def _end(self, account: Account, end: int) -> None:
        """Tell what the host did until then."""
        start = account.since
        if end <= start:
            return
        account.since = end
        time = self.steady
        if start > time.since:  # nearly always, and a million times
            self._tell(account.host, account.state, start + time.shift, end + time.shift)
            return
        for begins_us, ends_us, is_known in time.pieces(start, end):
            if begins_us < ends_us:
                state = account.state if is_known else State.UNKNOWN
                self._tell(account.host, state, begins_us, ends_us)


def _settle(account: Account, now: int) -> None:
    """Join what the host did before and after nobody watched, once it would have been noticed."""
    if account.doubt is not None and account.settled < now:
        account.doubt = None
