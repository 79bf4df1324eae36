"""The public listener as a WSGI application: whatever strangers send, and who keeps a host awake."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from traefik.folder import Shadow
from waitroom.public import asked
from waitroom.public.door import Door
from waitroom.public.turns import Turns
from waitroom.public.web import public_app
from waitroom.upstreams.base import Phase

INPUTS = int(os.environ.get("FAULT_INPUTS", "400"))
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MONITOR = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"


class Edge:
    """The application over one host whose upstream does what the test says."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        counting = {"ignore_paths": ["/health"], "ignore_agents": ["OurMonitor"]}
        host = a_host(activity=counting, **keys)
        house = House(folder, host)
        self.upstream = house.upstream(host)
        self.folder = house.routes
        self.door = Door(b"s" * 32, (), sleep=lambda _: None)
        self.host = host
        self.application = public_app(
            registry=lambda: house.registry,
            room=house.room,
            door=self.door,
            turns=Turns(lambda _name, _wanted: True),
        )

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str]]:
        """Send a request as gunicorn would: headers are latin-1, the path is decoded."""
        told: list[Any] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "RAW_URI": path,
            "SERVER_NAME": "w",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "app.test",
            **headers,
        }
        answer = self.application(environ, lambda *args: told.append(args))
        assert b"".join(answer) is not None
        answer.close()
        return int(told[0][0].split()[0]), dict(told[0][1])

    def visit(self, agent: str, path: str = "/") -> int:
        return self.ask("GET", path, b"", {"HTTP_USER_AGENT": agent})[0]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    return Edge(tmp_path_factory.mktemp("edge"))


latin = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=200)
odd = latin | st.sampled_from(
    ["", "[", "http://[evil", "http://h//evil.com", "\\\\evil.com", "\xff\xfe", "\xb2", "q=nan",
     "text/html;q=nan", "*/*;q=0", ";;;;q=x", "a" * 7000, "[::", "a b", "app.test:99999", "app.test."]
)  # fmt: skip
header = st.sampled_from(
    ["HTTP_HOST", "HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_REFERER", "HTTP_USER_AGENT",
     "HTTP_COOKIE", "HTTP_X_FORWARDED_FOR", "HTTP_RANGE", "HTTP_IF_MODIFIED_SINCE", "HTTP_ORIGIN",
     "HTTP_X_FORWARDED_HOST", "HTTP_AUTHORIZATION", "CONTENT_TYPE"]
)  # fmt: skip
kind = st.sampled_from(
    ["application/json", "application/json; charset=x", "application/x-www-form-urlencoded",
     "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", ""]
)  # fmt: skip
body = st.binary(max_size=300) | st.sampled_from(
    [b"[" * 9000, b'{"a":' * 3000, b'{"token":"\\ud800"}', b'{"token":["a"]}', b'"x"', b"null",
     b'{"token":1e999}', b"\xff", b"token=%ff%fe", b"token=" + "é".encode(), b"a=&" * 5000,
     b"x" * 20_000, b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\na\r\n--x--\r\n']
)  # fmt: skip
path = st.sampled_from(
    ["/", "/.waitroom/wake", "/.waitroom/status", "/.waitroom/canary/x", "/.waitroom/gap?st=9e9",
     "/.waitroom/gap?st=\xd9\xa3", "//evil.com", "/\\evil.com", "/.waitroom/gap?st=502&st=" + "9" * 5000]
) | latin.map(lambda text: "/" + text)  # fmt: skip
method = st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE", "PROPFIND"])

# Half of all go where a body is read.
asked_for = st.just(("POST", "/.waitroom/wake")) | st.tuples(method, path)


@pytest.mark.timeout(60 + INPUTS)
@settings(max_examples=INPUTS, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked_for, body, kind, st.dictionaries(header, odd, max_size=5))
def test_whatever_strangers_send_is_answered_and_is_no_fault_of_ours(
    edge: Edge,
    caplog: pytest.LogCaptureFixture,
    asked_for: tuple[str, str],
    body: bytes,
    kind: str,
    headers: dict[str, str],
) -> None:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        status, answered = edge.ask(*asked_for, body, {"CONTENT_TYPE": kind, **headers})
    assert status != 500
    assert not caplog.records
    assert answered["X-Waitroom"]
    assert edge.upstream.starts == 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"[" * 9000),
        ("application/json", b'{"token":"\\ud800"}'),
        ("application/json", b'{"token":["a"]}'),
        ("application/x-www-form-urlencoded", b"token=%ff"),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_an_odd_wake_request_is_refused(edge: Edge, kind: str, body: bytes) -> None:
    assert edge.ask("POST", "/.waitroom/wake", body, {"CONTENT_TYPE": kind})[0] == 403


@given(odd | odd.map(lambda text: f"http://app.test/{text}"))
def test_any_referer_is_a_path_of_this_host(referer: str) -> None:
    with flask.Flask("x").test_request_context(environ_overrides={"HTTP_REFERER": referer}):
        found = asked.way_back()
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("asked_for", "led_to"),
    [("/a?b=//c", "/a?b=//c"), ("//evil.com", "/.//evil.com"), ("/\\evil.com", "/%5Cevil.com")],
)
def test_whoever_is_sent_back_to_his_url_stays_on_its_host(
    tmp_path: Path, asked_for: str, led_to: str
) -> None:
    edge = Edge(tmp_path)
    edge.upstream.phase = Phase.RUNNING
    edge.folder.drain(["app.test"], "proof.test")
    status, headers = edge.ask("GET", asked_for, b"", {"HTTP_USER_AGENT": BROWSER})
    assert (status, headers["Location"]) == (307, led_to)


@pytest.mark.parametrize("referer", ["http://[evil", "", "http://h//evil.com", "//evil.com"])
def test_an_odd_referer_leads_nowhere_else(tmp_path: Path, referer: str) -> None:
    edge = Edge(tmp_path)
    token = edge.door.challenge(edge.host).encode()
    status, headers = edge.ask(
        "POST", "/.waitroom/wake", b"token=" + token,
        {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_REFERER": referer},
    )  # fmt: skip
    assert status == 303
    assert headers["Location"].startswith("/")
    assert not headers["Location"].startswith("//")


@pytest.mark.parametrize("path", ["/", "/.waitroom/status", "/.waitroom/wake"])
def test_options_get_the_short_answer_of_a_host_at_any_path(tmp_path: Path, path: str) -> None:
    edge = Edge(tmp_path)
    status, headers = edge.ask("OPTIONS", path, b"", {"HTTP_USER_AGENT": BROWSER})
    assert (status, headers["X-Waitroom"]) == (503, "asleep")
    assert edge.ask("OPTIONS", path, b"", {"HTTP_HOST": "nobody.test"})[0] == 404


def test_scanners_by_the_hundred_fill_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    edge = Edge(tmp_path)
    with caplog.at_level(logging.INFO, "waitroom.public.door"):
        for i in range(500):
            assert edge.visit(f"{BROWSER} {i}", "/.env") == 404
    assert 1 <= len(caplog.records) < 15


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "null"}, 303),
        ({"HTTP_ORIGIN": "https://APP.test:8443"}, 303),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({"HTTP_ORIGIN": "http://evil.test"}, 403),
        ({"HTTP_ORIGIN": "http://app.test@evil.test"}, 403),
        ({"HTTP_ORIGIN": "http://[evil"}, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
    ],
)
def test_a_page_of_another_site_wakes_nothing_in_its_visitors_name(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    edge = Edge(tmp_path)
    token = edge.door.challenge(edge.host).encode()
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_ACCEPT": "text/html"}
    answer, _ = edge.ask("POST", "/.waitroom/wake", b"token=" + token, {**form, **headers})
    assert answer == status


@pytest.mark.parametrize(
    ("agent", "accept", "wakes"),
    [
        (BROWSER, "text/html,application/xhtml+xml,*/*;q=0.8", True),
        (BROWSER, "*/*", True),
        ("curl/8.5.0", "image/png", True),
        (BROWSER, "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", False),
        (BROWSER, "text/css,*/*;q=0.1", False),
    ],
)
def test_on_plain_http_pictures_and_styles_wake_no_open_host(
    tmp_path: Path, agent: str, accept: str, *, wakes: bool
) -> None:
    edge = Edge(tmp_path, gate="open")
    answered = edge.ask("GET", "/", b"", {"HTTP_USER_AGENT": agent, "HTTP_ACCEPT": accept})[1]
    assert (answered["X-Waitroom"] != "asleep") is wakes


LINK = {"HTTP_SEC_FETCH_DEST": "document", "HTTP_SEC_FETCH_MODE": "navigate"}
SCRIPT = {"HTTP_SEC_FETCH_DEST": "empty", "HTTP_SEC_FETCH_MODE": "cors"}


@pytest.mark.parametrize(
    ("method", "site", "more", "wakes"),
    [
        ("GET", "cross-site", LINK, True),
        ("GET", "same-origin", SCRIPT, True),
        ("GET", "same-site", SCRIPT, True),
        ("POST", "same-origin", LINK, True),
        ("GET", "cross-site", SCRIPT, False),
        ("POST", "cross-site", SCRIPT, False),
        ("POST", "cross-site", LINK, False),
    ],
)
def test_a_form_or_script_of_another_site_wakes_no_open_host_and_a_link_does(
    tmp_path: Path, method: str, site: str, more: dict[str, str], *, wakes: bool
) -> None:
    edge = Edge(tmp_path, gate="open")
    headers = {"HTTP_USER_AGENT": BROWSER, "HTTP_SEC_FETCH_SITE": site, **more}
    answered = edge.ask(method, "/", b"", headers)[1]
    assert (answered["X-Waitroom"] != "asleep") is wakes


@pytest.mark.parametrize(
    ("agent", "path", "stays_awake"),
    [
        (BROWSER, "/", True),
        ("curl/8.5.0", "/", True),
        ("", "/", True),
        (MONITOR, "/", False),
        ("kube-probe/1.30", "/", False),
        ("OurMonitor 1", "/", False),
        (BROWSER, "/health/live", False),
    ],
)
def test_only_use_calls_off_a_sleep(
    tmp_path: Path, agent: str, path: str, *, stays_awake: bool
) -> None:
    edge = Edge(tmp_path)
    edge.upstream.phase = Phase.RUNNING
    edge.folder.drain(["app.test"], "proof.test")
    assert edge.visit(agent, path) == (307 if stays_awake else 503)
    assert edge.folder.shadow("app.test") is (None if stays_awake else Shadow.DRAINING)
