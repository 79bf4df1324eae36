"""Who is let in on the admin listener, asked page by page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.waitroom.operated import HOST, SECRET, Operated
from waitroom import assertions
from waitroom.guard import OPEN
from waitroom.operators import Role

JSON = {"Accept": "application/json"}


@pytest.fixture
def operated(tmp_path: Path) -> Operated:
    return Operated(tmp_path)


def log_in(operated: Operated, token: str) -> tuple[FlaskClient, str]:
    client = operated.app.test_client()
    client.post("/login", data={"csrf": csrf(client, "/login"), "token": token})
    return client, csrf(client, "/")


def csrf(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def ordered(operated: Operated) -> list[str]:
    return [event["kind"] for event in operated.journal.events()]


def test_every_page_but_a_short_list_needs_a_login(operated: Operated) -> None:
    client = operated.app.test_client()
    rules = {
        rule.rule for rule in operated.app.url_map.iter_rules() if "GET" in (rule.methods or ())
    }
    assert {"/", "/hosts", "/preview"} <= rules
    for path in rules | {"/no/such/page", "/healthz/", "//healthz"}:
        answer = client.get(path, headers=JSON)
        assert (answer.status_code == 401) is (path not in OPEN), path
    assert client.get("/", headers={"Accept": "text/html"}).headers["Location"] == "/login"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}]
)
def test_without_a_login_nothing_is_done(operated: Operated, headers: dict[str, str]) -> None:
    for action in ("wake", "sleep", "keep", "release"):
        answer = operated.app.test_client().post(
            f"/hosts/{HOST.name}/{action}", headers={**JSON, **headers}, data={"for": "1h"}
        )
        assert answer.status_code == 401
    assert ordered(operated) == []


def test_an_assertion_needs_no_csrf_token(operated: Operated) -> None:
    headers = {**JSON, "Authorization": f"Bearer {assertions.issue(SECRET, 'ann')}"}
    answer = operated.app.test_client().post(f"/hosts/{HOST.name}/release", headers=headers)
    assert answer.status_code == 202
    [event] = operated.journal.events()
    assert (event["kind"], event["by"]) == ("released", "ann")


def test_a_session_needs_its_csrf_token(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    path = f"/hosts/{HOST.name}/release"
    for data in ({}, {"csrf": ""}, {"csrf": token[:-1]}, {"csrf": "ä"}):
        assert client.post(path, data=data, headers=JSON).status_code == 403
    assert ordered(operated) == []
    assert client.post(path, data={"csrf": token}, headers=JSON).status_code == 202
    assert client.post("/login", data={"token": "x"}).status_code == 403


def test_a_reader_acts_not_but_may_leave(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("eve", Role.READER))
    answer = client.post(f"/hosts/{HOST.name}/wake", data={"csrf": token}, headers=JSON)
    assert answer.status_code == 403
    assert "a reader" in answer.text
    assert client.post("/logout", data={"csrf": token}).status_code == 303
    assert client.get("/hosts", headers=JSON).status_code == 401


@pytest.mark.parametrize("end", ["remove", "add"])
def test_a_session_ends_with_its_token(operated: Operated, end: str) -> None:
    client, _ = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    assert client.get("/hosts", headers=JSON).status_code == 200
    arguments: list[Any] = ["ann"] if end == "remove" else ["ann", Role.READER]
    getattr(operated.operators, end)(*arguments)
    assert client.get("/hosts", headers=JSON).status_code == 401


def test_many_wrong_tokens_make_all_wait(operated: Operated) -> None:
    client = operated.app.test_client()
    form = {"csrf": csrf(client, "/login"), "token": "wrong"}
    statuses = [client.post("/login", data=form).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("action", "data", "fault"),
    [
        ("keep", {}, "Expected a duration"),
        ("keep", {"for": "100d"}, "28 days"),
        ("keep", {"for": "9999d99999h"}, "28 days"),
        ("keep", {"until": "2020-01-01T00:00:00Z"}, "28 days"),
        ("sleep", {}, "sleeps already"),
        ("sleep", {"force": "yes"}, "with a reason"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    operated: Operated, action: str, data: dict[str, str], fault: str
) -> None:
    headers = {**JSON, "Authorization": f"Bearer {assertions.issue(SECRET, 'ann')}"}
    path = f"/hosts/{HOST.name}/{action}"
    answer = operated.app.test_client().post(path, data=data, headers=headers)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert fault in answer.text
    assert ordered(operated) == []
