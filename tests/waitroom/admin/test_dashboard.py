"""The dashboard's pages, asked without a browser: what they say, and what they must not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.waitroom.admin.test_guard import log_in
from tests.waitroom.fakes import a_host
from tests.waitroom.operated import HOST, Operated
from tests.waitroom.quarter import write_quarter
from waitroom.admin import bars, phrases, timeline
from waitroom.admin.operators import Role
from waitroom.admin.periods import Length, Period
from waitroom.record.history import Span
from waitroom.record.rows import Row
from waitroom.record.standing import State

TODAY = date(2026, 3, 20)
HOUR_US = 3_600_000_000


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    write_quarter(tmp_path, HOST.name, datetime.now(UTC), days=40)
    operated = Operated(tmp_path, a_host(cost_per_hour=1.0, currency="EUR"))
    return log_in(operated, operated.operators.add("eve", Role.READER))[0]


def test_the_live_update_has_what_the_table_has(client: FlaskClient) -> None:
    row = client.get("/hosts").json[HOST.name]  # type: ignore[index]
    page = client.get("/").text
    assert row["left"] == "48 wakes"
    assert "EUR" in row["saved"]
    assert row["tried"].startswith(("Slept 20", "Sleep called off 20"))  # by the time of day
    for text in row.values():
        assert f">{text}</td>" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hosts/other.test", 404),
        ("/hosts/APP.test", 200),
        ("/hosts/app.test?period=year&until=9999", 200),
        ("/hosts/app.test?until=0001-01-01", 200),
        ("/hosts/app.test?until=9999-12-31", 200),
        ("/events?host=%3Cscript%3E&kind=odd", 200),
        ("/events?since=soon", 400),
        ("/events?before=soon", 400),
        (f"/events?before=now.{'9' * 5000}", 400),
    ],
)
def test_odd_questions_have_plain_answers(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "<script>" not in answer.text


def test_sums_that_would_be_wrong_are_not_shown(client: FlaskClient, tmp_path: Path) -> None:
    for path in (tmp_path / "archive").glob("*.json"):
        path.unlink()
        path.mkdir()
    assert client.get("/hosts").json[HOST.name]["saved"] == "not known"  # type: ignore[index]
    for page in ("/", f"/hosts/{HOST.name}?period=quarter", "/events?until=2100-01-01"):
        text = client.get(page).text
        assert f"{tmp_path}/archive/" in text
        assert 'role="alert"' in text
    assert "Hours awake" not in client.get(f"/hosts/{HOST.name}?period=quarter").text
    (tmp_path / "activity.json").write_text("{")
    row = client.get("/hosts").json[HOST.name]  # type: ignore[index]
    assert (row["woken"], row["saved"]) == ("not known", "not known")


def test_a_reason_that_looks_like_a_moment_is_shown_as_it_was_written(
    client: FlaskClient, tmp_path: Path
) -> None:
    whole = json.loads((tmp_path / "activity.json").read_text())
    event = {"at": f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z", "host": HOST.name, "by": "ann",
             "kind": "sleep_requested", "force": True, "reason": "0001-01-01T00:00:00+14:00"}  # fmt: skip
    whole["events"]["99999"] = event
    (tmp_path / "activity.json").write_text(json.dumps(whole))
    answer = client.get("/events?kind=sleep_requested")
    assert answer.status_code == 200
    assert "0001-01-01T00:00:00+14:00" in answer.text.replace("&#43;", "+")


def test_a_period_ends_today_at_the_latest() -> None:
    period = Period.parse({"period": "week", "until": "2026-04-01"}, TODAY)
    assert (period.days[0], period.last, period.later) == (date(2026, 3, 14), TODAY, None)
    assert period.earlier == "?period=week&until=2026-03-13"
    assert Period.parse({"until": "2026-03-19"}, TODAY).later == "?period=day"
    assert period.of(Length.QUARTER) == "?period=quarter"
    now = datetime(2026, 3, 20, 6, tzinfo=UTC)
    window = period.window(now)
    assert window.since_us is not None
    assert window.until_us - window.since_us == timedelta(days=6, hours=6) / timedelta(
        microseconds=1
    )


def test_a_span_over_midnight_is_on_both_days() -> None:
    period = Period.parse({"period": "week"}, TODAY)
    begin = period.window(datetime(2026, 3, 20, 12, tzinfo=UTC)).since_us or 0
    spans = [Span(State.AWAKE, begin + 22 * HOUR_US, begin + 27 * HOUR_US)]
    chart = timeline.timeline(spans, period)
    assert [(round(day.awake, 6), day.asleep) for day in chart.table[:3]] == [
        (2.0, 0.0),
        (3.0, 0.0),
        (0.0, 0.0),
    ]
    assert chart.paths[State.AWAKE].count("M") == 2
    assert chart.stretches == []
    day = Period.parse({"until": period.days[0].isoformat()}, TODAY)
    [stretch] = timeline.timeline([Span(State.ASLEEP, begin, begin + 24 * HOUR_US)], day).stretches
    assert (stretch.begin, stretch.end) == ("00:00", "24:00")


def test_requests_are_told_by_the_hour_and_of_a_quarter_by_the_day() -> None:
    row = Row("a.test", "2026-03-20", [1, *[0] * 22, 5], [0] * 23 + [4], [0.0] * 24, [0.0] * 24)
    day = bars.requests({row.day: row}, Period.parse({}, TODAY))
    assert day.table[23] == ("2026-03-20 23:00", 5, 4)
    assert len(day.table) == 24
    quarter = bars.requests({row.day: row}, Period.parse({"period": "quarter"}, TODAY))
    assert quarter.table[-1] == ("2026-03-20", 6, 4)
    assert len(quarter.table) == 90
    assert len(quarter.bars) == 1


def test_the_wakes_have_a_median_and_a_p90() -> None:
    chart = bars.wakes([0.5, 1.0, *[4.0] * 7, 400.0])
    assert chart
    assert (chart.median_s, chart.p90_s, chart.slowest_s) == (4.0, 4.0, 400.0)
    counted = {name: count for name, count, _ in chart.bars.table if count}
    assert counted == {"0-1 s": 1, "1-2 s": 1, "2-5 s": 7, "> 300 s": 1}
    assert bars.wakes([]) is None


def test_an_event_is_told_in_words() -> None:
    event = {"at": "2026-03-20T10:00:00Z", "host": "a.test", "kind": "sleep_called_off",
             "reason": "visitor", "detail": "a visitor came", "idle_s": 1800.0}  # fmt: skip
    assert phrases.details(event) == "a visitor came, idle 1,800.0 s"
    assert phrases.attempt(event) == "Sleep called off 2026-03-20 10:00: a visitor came"
