"""What counts as activity, and what entries add up to in any order."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.record.activity import Fold
from sidecar.record.counts import HostCount, load
from sidecar.record.series import counts
from traefik.access_log import Entry, Parsed
from waitroom.gate.agents import is_machine
from waitroom.registry.document import parse
from waitroom.registry.hosts import Counting, Registry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def registry(**activity: Any) -> Registry:
    host = {
        "command": {"start": ["a"], "stop": ["b"], "status": ["c"]},
        "url": "http://127.0.0.1:1",
        "aliases": ["www.a.test"],
        "activity": activity,
    }
    return parse({"hosts": {"a.test": host}})


def entry(**fields: Any) -> Entry:
    values = {"start": NOW - timedelta(minutes=1), "host": "a.test", "service": "app@file"}
    return Entry(**{**values, "status": 200, **fields})


def folded(*entries: Entry, **activity: Any) -> HostCount:
    fold = Fold(registry(**activity))
    fold.add(Parsed(list(entries)))
    fold.settle(NOW)
    return fold.counts["a.test"]


@pytest.mark.parametrize("status", [0, 101, 200, 204, 301, 304, 399, 499])
def test_an_answer_of_the_hosts_own_service_counts(status: int) -> None:
    assert folded(entry(status=status)).activity == 1


@pytest.mark.parametrize("status", [-1, 99, 400, 404, 498, 500, 502, 599, 600])
def test_an_answer_that_nobody_has_use_of_does_not(status: int) -> None:
    count = folded(entry(status=status))
    assert (count.requests, count.activity) == (1, 0)


@pytest.mark.parametrize(
    "fields",
    [{"service": "waitroom@file"}, {"service": ""}, {"agent": BOT}, {"agent": "kuma/1 monitor"},
     {"path": "/metrics/x"}, {"path": "/favicon.ico?v=1"}, {"path": "/.well-known/security.txt"}],
)  # fmt: skip
def test_what_is_no_visit_does_not_count(fields: dict[str, Any]) -> None:
    count = folded(entry(**fields), ignore_paths=["/metrics"], ignore_agents=["kuma"])
    assert count.activity == 0
    assert count.last_activity is None


def test_what_traefik_itself_answers_is_nobodys() -> None:
    count = folded(entry(service=""))
    assert (count.requests, count.waiting, count.activity) == (0, 0, 0)


def test_a_visit_counts_at_its_end() -> None:
    count = folded(entry(duration_ns=30_000_000_000))
    assert count.last_activity == NOW - timedelta(seconds=30)


def test_an_end_in_the_future_is_now() -> None:
    assert folded(entry(duration_ns=10**15)).last_activity == NOW


@pytest.mark.parametrize("name", ["A.TEST", "a.test.", "a.test:8000", "www.a.test"])
def test_all_names_of_a_host_have_one_clock(name: str) -> None:
    assert folded(entry(host=name)).activity == 1


@pytest.mark.parametrize("field", ["agent", "host"])
def test_what_strangers_call_themselves_at_length_is_not_kept(field: str) -> None:
    fold = Fold(registry())
    fold.add(Parsed([entry()]))
    tracemalloc.start()
    for number in range(1000):
        fold.add(Parsed([entry(**{field: f"{number} ".ljust(7000, "x")})]))
        fold.settle(NOW)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3_000_000


def test_what_a_sleep_has_asked_is_not_kept() -> None:
    """A canary has a nonce, and a name of its own where it asks whether the shadow is in force."""
    fold = Fold(registry())
    fold.add(Parsed([entry()]))
    tracemalloc.start()
    for number in range(1000):
        name, agent = f"{number:016x}.invalid", f"waitroom-canary/{number:016x}"
        fold.add(Parsed([entry(host=name, agent=agent), entry(agent=agent)]))
        fold.settle(NOW)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000


def test_an_agent_of_any_length_counts_and_is_looked_through() -> None:
    long = FOX.ljust(7000, "x")
    count = folded(entry(agent=long), entry(agent=long + "kuma"), ignore_agents=["kuma"])
    assert (count.requests, count.activity) == (2, 1)


def test_chosen_statuses_replace_the_usual_ones() -> None:
    counting = Counting(count_statuses=(404,))
    assert counts(counting, 404, FOX)
    assert not counts(counting, 200, FOX)


def test_a_document_is_read_as_it_was_written() -> None:
    count = folded(entry(status=404), entry(duration_ns=123_456_789))
    assert load([msgspec.json.decode(msgspec.json.encode(count))]) == [count]


def test_what_a_newer_version_says_of_a_host_stays() -> None:
    document = {**msgspec.to_builtins(folded(entry())), "mood": "fine", "a-b": [1]}
    [count] = load([document])
    count.requests += 1
    assert msgspec.to_builtins(count) == {**document, "requests": 2}


def test_browsers_are_no_machines_and_crawlers_are() -> None:
    assert is_machine(BOT)
    assert not is_machine(FOX)


_ENTRIES = st.lists(
    st.builds(
        entry,
        host=st.sampled_from(["a.test", "A.TEST", "b.test", ""]),
        service=st.sampled_from(["app@file", "waitroom@file", ""]),
        status=st.integers(-1, 700),
        size_bytes=st.integers(0, 10**9),
        duration_ns=st.integers(-(10**12), 10**12),
        agent=st.sampled_from(["", FOX, BOT, "waitroom-canary/x"]),
        path=st.sampled_from(["", "/", "/favicon.ico", "/.waitroom/canary/y", "/\n/robots.txt"]),
        start=st.datetimes(timezones=st.just(UTC)),
    )
)


@given(_ENTRIES, st.randoms())
def test_the_order_and_the_cuts_make_no_difference(entries: list[Entry], random: Any) -> None:
    one, other = Fold(registry()), Fold(registry())
    one.add(Parsed(entries))
    one.settle(NOW)
    random.shuffle(entries)
    for each in entries:
        other.add(Parsed([each]))
        other.settle(NOW)
    assert one.unregistered == other.unregistered
    assert one.counts == other.counts


def test_activity_of_a_clock_that_was_ahead_is_of_when_it_was_set_back() -> None:
    fold = Fold(registry())
    fold.add(Parsed([entry(start=NOW)]))
    fold.settle(NOW + timedelta(hours=1))
    back = NOW - timedelta(hours=1)
    fold.turn_back(back)
    assert fold.counts["a.test"].last_activity == back
    fold.turn_back(NOW)  # what is not in the future stays
    assert fold.counts["a.test"].last_activity == back


def test_what_does_not_count_moves_no_activity_after_the_clock_was_set_back() -> None:
    fold, ahead = Fold(registry(ignore_paths=["/ping"])), NOW + timedelta(hours=1)
    fold.add(Parsed([entry(start=ahead)]))
    fold.settle(ahead)
    fold.turn_back(NOW)
    later = NOW + timedelta(minutes=10)
    fold.add(Parsed([entry(start=later, path="/ping")]))
    fold.settle(later)
    assert fold.counts["a.test"].last_activity == NOW
