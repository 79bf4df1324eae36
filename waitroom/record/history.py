"""One host's history over some days: when it was awake, what was asked of it, how its wakes went.

Pure: what is recorded in, what a page shows out. It asks the same sums as the audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waitroom.record.chronicle import Told
from waitroom.record.rows import Row
from waitroom.record.standing import State
from waitroom.record.summary import Price, Summary, Window
from waitroom.record.sums import Audit, add_up


@dataclass(frozen=True, slots=True)
class Span:
    """For how long it stood so, in microseconds since 1970."""

    state: State
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class History:
    """What a page shows."""

    summary: Summary
    spans: Sequence[Span]
    rows: Mapping[str, Row]  # by day


def tell(told: Told, host: str, window: Window, cost: Price | None) -> History:
    """Return the history of a host in a window."""
    spans: list[Span] = []

    def begin(believed: Sequence[int] | None) -> Audit:
        spans.clear()
        return Audit(
            window,
            told.opening,
            host,
            on_span=lambda _, *span: spans.append(Span(*span)),
            believed=believed,
        )

    audit = add_up(lambda: told.events, begin)
    [summary] = audit.summaries({host: cost} if cost else {}) or [Summary(host, price=cost)]
    return History(summary, spans, told.rows)
