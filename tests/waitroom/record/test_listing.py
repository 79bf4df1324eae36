"""Events page by page: each once, the newest first, from whatever file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.waitroom.quarter import write_quarter
from waitroom.record.listing import Filter, page
from waitroom.record.past import Past

TODAY = datetime(2026, 3, 20, 10, 30, tzinfo=UTC)
HOST = "app.test"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_quarter(tmp_path, HOST, TODAY)
    return tmp_path


def all_pages(data: Path, wanted: Filter) -> list[dict[str, Any]]:
    found, before = [], ""
    while True:
        one = page(data, wanted, before)
        found += one.events
        if one.older is None:
            return found
        before = one.older


def recorded(data: Path) -> list[dict[str, Any]]:
    return list(reversed(list(Past(data, dict[str, Any]).events())))


def test_all_pages_together_have_each_event_once_newest_first(data: Path) -> None:
    assert all_pages(data, Filter()) == recorded(data)
    assert len(page(data, Filter()).events) == 50


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(kind="sleep_called_off"),
        Filter(host="*"),
        Filter(host="other.test"),
        Filter(since="2026-02-10", until="2026-02-20"),
        Filter(host=HOST, kind="woken", since="2026-03-01"),
        Filter(until="2025-12-31"),
    ],
)
def test_a_filter_leaves_what_it_asks_for(data: Path, wanted: Filter) -> None:
    assert all_pages(data, wanted) == [
        event
        for event in recorded(data)
        if (not wanted.host or event["host"] == wanted.host)
        and (not wanted.kind or event["kind"] == wanted.kind)
        and wanted.since <= event["at"][:10] <= (wanted.until or "9999")
    ]


def test_a_page_reads_a_few_files_and_the_next_goes_on(data: Path) -> None:
    first = page(data, Filter(host="*"))
    assert first.events == []
    assert first.older
    assert all_pages(data, Filter(host="*"))


def test_a_page_that_begins_nowhere_is_refused(data: Path) -> None:
    for before in ("now.x", "now", "2026-02"):
        with pytest.raises(ValueError, match="int"):
            page(data, Filter(), before)


def test_what_is_no_event_is_passed_over(data: Path) -> None:
    path = data / "archive" / "2026-02.json"
    file = msgspec.json.decode(path.read_bytes())
    [last] = list(file["events"])[-1:]
    expected = len(recorded(data)) - 1
    file["events"][last] = {"odd": 1}
    path.write_bytes(msgspec.json.encode(file))
    assert len(all_pages(data, Filter())) == expected
