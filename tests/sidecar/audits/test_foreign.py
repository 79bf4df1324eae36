"""A record that others have written in, a newer version, or chance: told or passed over."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.audits import explain
from sidecar.audits.auditing import Question, answer
from tests.waitroom.fakes import a_host
from waitroom.admin import bars, phrases, timeline
from waitroom.admin.periods import Period
from waitroom.errors import WaitroomError
from waitroom.kinds import Kind
from waitroom.record import history, listing
from waitroom.record.chronicle import Chronicle
from waitroom.record.listing import Filter
from waitroom.record.occurrence import Event, microseconds
from waitroom.record.records import read
from waitroom.record.summary import Window
from waitroom.registry.hosts import Registry

NOW = datetime(2026, 3, 20, 10, tzinfo=UTC)
HOST = a_host()
ODD_MOMENTS = [
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999Z",
    "2026-03-20T09:00:00Z", "2026-03-19", "2026-03-20T09:00:00", "1969-12-31T00:00:00Z", "soon", "",
]  # fmt: skip
ODD = st.one_of(
    st.sampled_from(ODD_MOMENTS), st.none(), st.booleans(), st.integers(), st.text(),
    st.floats(allow_nan=False, allow_infinity=False), st.just(10**400), st.just([]), st.just({}),
    st.dictionaries(st.sampled_from(["last_used", "log", "offset"]), st.sampled_from(ODD_MOMENTS)),
)  # fmt: skip
DOCUMENT = st.fixed_dictionaries(
    {
        "at": st.one_of(st.sampled_from(ODD_MOMENTS), ODD),
        "host": st.one_of(st.sampled_from([HOST.name, "*"]), ODD),
        "kind": st.one_of(st.sampled_from([str(kind) for kind in Kind]), ODD),
    },
    optional=dict.fromkeys([*Event.__struct_fields__[3:], "last_activity", "new", "\x1b["], ODD),
)
TABLE = st.dictionaries(st.integers(1, 99).map(str), st.one_of(DOCUMENT, ODD), max_size=8)
FILE = st.one_of(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("events", "opening", "hours", "days", "hosts"), TABLE)
    ),
    ODD,
)


def ask_all(data: Path) -> None:
    """Ask for everything that is told of a record; what it can't tell it says."""
    now_us = microseconds(NOW)
    window = Window(None, now_us, now_us)
    for form in ("table", "json", "csv"):
        for events in (False, True):
            question = Question(window, HOST.name, events=events, form=form)
            answer(question, data, lambda: Registry({HOST.name: HOST}))
    with suppress(WaitroomError):
        for event in listing.page(data, Filter()).events:
            phrases.details(event)
    period = Period.parse({"period": "week"}, NOW.date())
    with suppress(WaitroomError):
        told = Chronicle(data).of(HOST.name, period.days[0].isoformat())
        found = history.tell(told, HOST.name, period.window(NOW), None)
        timeline.timeline(found.spans, period)
        bars.requests(found.rows, period)
        bars.wakes(found.summary.took_s)
    with suppress(WaitroomError):
        Chronicle(data).asleep_s("2026-03")
    with suppress(WaitroomError):
        records = read(data, NOW)
        phrases.attempt(records.last_attempt(HOST.name))
        records.since(HOST, NOW)
        explain.unused(HOST, records.use(HOST, NOW, NOW), NOW)


@given(newest=FILE, archived=FILE)
def test_a_foreign_record_is_told_or_passed_over(newest: Any, archived: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        (data / "archive").mkdir()
        (data / "activity.json").write_text(json.dumps(newest))
        (data / "archive" / "2026-02.json").write_text(json.dumps(archived))
        ask_all(data)


@given(st.binary(max_size=200))
def test_what_is_no_json_is_a_fault(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        (data / "activity.json").write_bytes(raw)
        ask_all(data)


@pytest.mark.parametrize("moment", ODD_MOMENTS)
def test_a_text_that_looks_like_a_moment_is_a_text(moment: str) -> None:
    event = {"at": "2026-03-20T10:00:00Z", "host": "a.test", "kind": "sleep_requested", "by": moment,
             "detail": moment}  # fmt: skip
    assert phrases.details(event) == f"{moment}, by {moment}"
