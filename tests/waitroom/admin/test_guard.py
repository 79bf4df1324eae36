"""Who is let in on the admin listener, asked page by page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.waitroom.operated import HOST, SECRET, Operated
from waitroom.admin import assertions
from waitroom.admin.guard import OPEN
from waitroom.admin.operators import Role

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
FORM = "application/x-www-form-urlencoded"


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


def by_command(operated: Operated, path: str, data: dict[str, str]) -> TestResponse:
    """Order something as a command does."""
    form = urlencode(data).encode()
    said = assertions.issue(SECRET, "ann", assertions.canonical("POST", path, form))
    headers = {**JSON, "Authorization": f"Bearer {said}", "Content-Type": FORM}
    return operated.app.test_client().post(path, data=form, headers=headers)


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
    assert by_command(operated, f"/hosts/{HOST.name}/release", {}).status_code == 202
    [event] = operated.journal.events()
    assert (event["kind"], event["by"]) == ("released", "ann")


def test_a_token_acts_for_a_program_as_far_as_its_role_goes(operated: Operated) -> None:
    path, client = f"/hosts/{HOST.name}/keep", operated.app.test_client()
    for role, status in ((Role.READER, 403), (Role.OPERATOR, 202)):
        token = operated.operators.add("ann", role)
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/hosts", headers=headers).status_code == 200
        assert client.post(path, data={"for": "1h"}, headers=headers).status_code == status
        assert client.get_cookie("waitroom") is None
    operated.operators.remove("ann")
    assert client.post(path, data={"for": "1h"}, headers=headers).status_code == 401
    assert [(event["kind"], event["by"]) for event in operated.journal.events()] == [
        ("kept", "ann")
    ]


def test_no_header_stands_for_the_form_of_a_login(operated: Operated) -> None:
    headers = {"Authorization": "Bearer wrong"}
    answer = operated.app.test_client().post("/login", data={"token": "x"}, headers=headers)
    assert answer.status_code == 403


def test_a_browser_whose_session_is_over_is_led_to_the_login(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    operated.now_s += 3600
    path = f"/hosts/{HOST.name}/wake"
    answer = client.post(path, data={"csrf": token}, headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert ordered(operated) == []


def test_a_browser_is_told_a_fault_on_a_page(operated: Operated) -> None:
    client, _ = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    for path, text in (
        ("/hosts/<b>", "there is no host &#39;&lt;b&gt;&#39;"),
        ("/events?since=2026-99-99", "since: expected a day such as 2026-01-31, got"),
        ("/events?before=zzz", "before: &#39;zzz&#39; is no place in the list of events"),
    ):
        answer = client.get(path, headers=HTML)
        assert (answer.status_code, answer.mimetype) in ((400, "text/html"), (404, "text/html"))
        assert text in answer.text
        assert client.get(path, headers=JSON).mimetype == "application/problem+json"


def test_an_assertion_repeats_no_other_order(operated: Operated) -> None:
    path = f"/hosts/{HOST.name}/release"
    said = assertions.issue(SECRET, "ann", assertions.canonical("POST", path, b""))
    headers, client = {**JSON, "Authorization": f"Bearer {said}"}, operated.app.test_client()
    for action, data in (("keep", {"for": "1h"}), ("release", {"x": "y"})):
        answer = client.post(f"/hosts/{HOST.name}/{action}", data=data, headers=headers)
        assert answer.status_code == 401
    assert client.post(f"{path}?x", headers=headers).status_code == 401
    assert client.get("/hosts", headers=headers).status_code == 401
    assert ordered(operated) == []
    assert client.post(path, headers=headers).status_code == 202


@pytest.mark.parametrize("action", ["wake", "sleep", "keep", "release"])
def test_a_session_needs_its_csrf_token_for_each_action(operated: Operated, action: str) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    _, others = log_in(operated, operated.operators.add("bob", Role.OPERATOR))
    path, data = f"/hosts/{HOST.name}/{action}", {"for": "1h"}
    for csrf_token in (None, "", token[:-1], "ä", others):
        sent = data if csrf_token is None else {**data, "csrf": csrf_token}
        assert client.post(path, data=sent, headers=JSON).status_code == 403
        assert client.post(f"{path}?csrf={token}", data=data, headers=JSON).status_code == 403
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
        client.open(path, method=method, data={**data, "csrf": token}, headers=JSON)
    assert ordered(operated) == []
    done = client.post(path, data={**data, "csrf": token}, headers=JSON)
    assert done.status_code == 202


def test_nobody_is_logged_in_by_a_page_of_another(operated: Operated) -> None:
    assert operated.app.test_client().post("/login", data={"token": "x"}).status_code == 403


def test_a_login_begins_a_session_anew(operated: Operated) -> None:
    client = operated.app.test_client()
    before = csrf(client, "/login")
    planted = client.get_cookie("waitroom")
    assert planted
    token = operated.operators.add("ann", Role.OPERATOR)
    client.post("/login", data={"csrf": before, "token": token})
    assert csrf(client, "/") != before
    other = operated.app.test_client()
    other.set_cookie("waitroom", planted.value)  # whoever knew the cookie from before the login
    assert other.get("/hosts", headers=JSON).status_code == 401


def test_the_cookie_is_for_this_listener_under_this_name_alone(operated: Operated) -> None:
    client, _ = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    cookie = client.get_cookie("waitroom")
    assert cookie
    assert (cookie.http_only, cookie.same_site, cookie.origin_only) == (True, "Strict", True)
    # A name that was made to lead here (DNS rebinding) gets no cookie, and so nothing.
    for path in ("/", "/hosts", "/events"):
        assert client.get(path, base_url="http://evil.test", headers=JSON).status_code == 401


def test_a_reader_acts_not_but_may_leave(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("eve", Role.READER))
    for action in ("wake", "sleep", "keep", "release"):
        data = {"csrf": token, "for": "1h"}
        answer = client.post(f"/hosts/{HOST.name}/{action}", data=data, headers=JSON)
        assert answer.status_code == 403
        assert "a reader" in answer.text
    assert ordered(operated) == []
    assert client.post("/logout", data={"csrf": token}).status_code == 303
    assert client.get("/hosts", headers=JSON).status_code == 401


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("waitroom")
    assert cookie
    return cookie.value


def is_let_in(operated: Operated, cookie: str) -> bool:
    client = operated.app.test_client()
    client.set_cookie("waitroom", cookie)
    return client.get("/hosts", headers=JSON).status_code == 200


def test_no_copy_of_a_cookie_outlives_the_logout(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    copies = [cookie_of(client)]
    # The next page says so, by a new cookie.
    client.post(f"/hosts/{HOST.name}/release", data={"csrf": token}, headers=HTML)
    copies.append(cookie_of(client))
    assert all(is_let_in(operated, copy) for copy in copies)
    client.post("/logout", data={"csrf": token})
    assert not any(is_let_in(operated, copy) for copy in copies)


def test_a_logout_leaves_ones_other_browsers_alone(operated: Operated) -> None:
    token = operated.operators.add("ann", Role.OPERATOR)
    (one, csrf_token), (other, _) = log_in(operated, token), log_in(operated, token)
    one.post("/logout", data={"csrf": csrf_token})
    assert other.get("/hosts", headers=JSON).status_code == 200


def test_a_session_ends_after_its_time_whatever_is_done(operated: Operated) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    for _ in range(23):
        operated.now_s += 1800
        path, form = f"/hosts/{HOST.name}/release", {"csrf": token}
        done = client.post(path, data=form, headers=HTML)
        assert done.headers["Location"] == "/"
    operated.now_s += 1800  # 12 hours after the login
    assert client.get("/hosts", headers=JSON).status_code == 401
    assert not is_let_in(operated, cookie_of(client))


def test_a_session_that_nobody_uses_ends_after_an_hour(operated: Operated) -> None:
    client, _ = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    operated.now_s += 3599
    assert client.get("/hosts", headers=JSON).status_code == 200
    operated.now_s += 3600
    assert client.get("/hosts", headers=JSON).status_code == 401


@pytest.mark.parametrize("end", ["remove", "add"])
def test_a_session_ends_with_its_token(operated: Operated, end: str) -> None:
    client, _ = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    assert client.get("/hosts", headers=JSON).status_code == 200
    arguments: list[Any] = ["ann"] if end == "remove" else ["ann", Role.READER]
    getattr(operated.operators, end)(*arguments)
    assert client.get("/hosts", headers=JSON).status_code == 401


def test_many_wrong_tokens_are_told_off(operated: Operated) -> None:
    client = operated.app.test_client()
    form = {"csrf": csrf(client, "/login"), "token": "wrong"}
    statuses = [client.post("/login", data=form).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_who_guesses_keeps_no_operator_out_and_is_logged_without_what_he_sent(
    operated: Operated, caplog: pytest.LogCaptureFixture
) -> None:
    client = operated.app.test_client()
    form = {"csrf": csrf(client, "/login"), "token": "a-wrong-token"}
    for _ in range(12):
        client.post("/login", data=form)
    token = operated.operators.add("ann", Role.OPERATOR)
    with caplog.at_level("INFO"):
        client, _ = log_in(operated, token)
    assert client.get("/hosts", headers=JSON).status_code == 200
    assert caplog.text.count("wrong token") == 10
    assert "ann has logged in" in caplog.text
    assert "a-wrong-token" not in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize(
    ("action", "data", "fault"),
    [
        ("keep", {}, "Expected a duration"),
        ("keep", {"for": "100d"}, "28 days"),
        ("keep", {"for": "9999d99999h"}, "28 days"),
        ("keep", {"until": "2020-01-01T00:00:00Z"}, "28 days"),
        ("keep", {"until": "18:00"}, "until: expected a moment such as"),
        ("sleep", {"force": "yes"}, "with a reason"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    operated: Operated, action: str, data: dict[str, str], fault: str
) -> None:
    answer = by_command(operated, f"/hosts/{HOST.name}/{action}", data)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert fault in answer.text
    assert ordered(operated) == []


def test_an_order_to_sleep_that_is_done_already_is_none(operated: Operated) -> None:
    answer = by_command(operated, f"/hosts/{HOST.name}/sleep", {})
    assert (answer.status_code, answer.json) == (202, {"text": f"{HOST.name} sleeps already."})
    assert ordered(operated) == []


def test_nothing_but_yes_is_force(operated: Operated) -> None:
    operated.house.upstream(HOST).start()
    by_command(operated, f"/hosts/{HOST.name}/sleep", {"force": "no", "reason": "x"})
    [event] = operated.journal.events()
    assert (event["kind"], event["force"]) == ("sleep_requested", False)


def test_damaged_operators_let_nobody_in_and_say_the_way_out(
    operated: Operated, tmp_path: Path
) -> None:
    client, token = log_in(operated, operated.operators.add("ann", Role.OPERATOR))
    (tmp_path / "operators.json").write_text("{")

    answer = client.post(f"/hosts/{HOST.name}/release", data={"csrf": token}, headers=JSON)

    assert (answer.status_code, ordered(operated)) == (503, [])
    assert "operator add" in answer.text
    stranger = operated.app.test_client()
    form = {"csrf": csrf(stranger, "/login"), "token": "x"}
    assert "operator add" in stranger.post("/login", data=form).text
    assert stranger.get("/healthz").status_code == 200  # which is about visitors
