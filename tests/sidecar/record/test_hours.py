"""Which hour what belongs to, and that nothing is lost or rounded on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sidecar.record.activity import Fold
from sidecar.record.hours import Hours
from traefik.access_log import Entry, Parsed
from waitroom.record import rows
from waitroom.record.occurrence import microseconds
from waitroom.record.rows import Day, Row
from waitroom.record.standing import State
from waitroom.registry.document import parse

DAY = datetime(2026, 1, 31, tzinfo=UTC)
HOST = {"command": {"start": ["a"], "stop": ["b"], "status": ["c"]}, "url": "http://127.0.0.1:1"}
REGISTRY = parse({"hosts": {"a.test": HOST}})


def documents(counted: Hours) -> dict[str, Row]:
    return {row.day: row for row in counted.take_changed()}


def entry(start: datetime, **fields: Any) -> Entry:
    return Entry(
        **{"start": start, "host": "a.test", "service": "app@file", "status": 200, **fields}
    )


def test_a_span_is_parted_at_the_hours() -> None:
    counted = Hours()
    start = microseconds(DAY.replace(hour=22, minute=59, second=59))
    counted.spend("a.test", State.AWAKE, start, start + 7_201_500_000)
    counted.spend("a.test", State.UNKNOWN, start, start + 10**12)
    days = documents(counted)
    assert days["2026-01-31"].awake_s[21:] == [0.0, 1.0, 3600.0]
    assert days["2026-02-01"].awake_s[:2] == [3600.0, 0.5]
    assert sum(days["2026-01-31"].asleep_s) == 0.0


def test_a_request_counts_in_the_hour_in_which_it_began() -> None:
    fold = Fold(REGISTRY)
    fold.add(Parsed([
        entry(DAY.replace(hour=9, minute=59), duration_ns=10**12),
        entry(DAY.replace(hour=10)),
        entry(DAY.replace(hour=10, minute=59, second=59, microsecond=999_999), status=404),
    ]))  # fmt: skip
    fold.add(Parsed([entry(DAY.replace(hour=10, minute=30))]))
    fold.settle(DAY)
    document = documents(fold.hours)["2026-01-31"]
    assert document.requests[9:12] == [1, 3, 0]
    assert document.activity[9:12] == [1, 2, 0]


_ENTRIES = st.lists(
    st.builds(
        entry,
        st.datetimes(timezones=st.just(UTC))
        | st.integers(0, 10**5).map(lambda s: DAY + timedelta(seconds=s)),
        status=st.sampled_from([200, 404]),
        service=st.sampled_from(["app@file", "waitroom@file"]),
        agent=st.sampled_from(["", "waitroom-canary/x", "a", "b"]),
    )
)


@given(_ENTRIES, st.randoms())
def test_neither_order_nor_cuts_change_the_hours(entries: list[Entry], random: Any) -> None:
    one, other = Fold(REGISTRY), Fold(REGISTRY)
    one.add(Parsed(entries))
    one.settle(DAY)
    random.shuffle(entries)
    for each in entries:
        other.add(Parsed([each]))
        if random.random() < 0.5:
            other.settle(DAY)
    other.settle(DAY)
    days = documents(one.hours)
    assert days == documents(other.hours)
    count = one.counts.get("a.test")
    assert sum(sum(day.requests) for day in days.values()) == (count.requests if count else 0)
    assert sum(sum(day.activity) for day in days.values()) == (count.activity if count else 0)


def test_a_row_is_read_as_it_was_written() -> None:
    counted = Hours()
    counted.spend("a.test", State.ASLEEP, 123_456_789, 7_123_456_788)
    counted.count("a.test", 1, 7, 5)
    [row] = counted.take_changed()
    written = msgspec.json.decode(msgspec.json.encode(row))
    assert rows.load([written]) == [row]


def test_the_sums_of_a_day_stay_when_its_hours_go_and_more_comes() -> None:
    counted = Hours()
    counted.count("a.test", 30, 7, 5)
    counted.spend("a.test", State.AWAKE, 0, 86_400_000_000)
    days = {row.day: row for row in counted.take_changed()}
    folded = rows.fold(days["1970-01-01"])
    assert folded == Day("a.test", "1970-01-01", 0, 0, 86400.0, 0.0)
    again = Hours(recall=lambda day: [rows.unfold(folded)] if day == "1970-01-01" else [])
    again.count("a.test", 3, 2, 1)
    [row] = again.take_changed()
    assert rows.fold(row) == Day("a.test", "1970-01-01", 2, 1, 86400.0, 0.0)


def test_a_day_is_recalled_once() -> None:
    asked: list[str] = []

    def recall(day: str) -> list[Row]:
        asked.append(day)
        return []

    counted = Hours(recall=recall)
    for hour in (3, 4, 30):
        counted.count("a.test", hour, 1, 1)
        counted.count("b.test", hour, 1, 1)
    assert asked == ["1970-01-01", "1970-01-02"]
