"""What a request has to show for a wake, as a WSGI application over one sleeping host."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import altcha
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import eventually
from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from waitroom.gate import challenges, chess
from waitroom.public.door import DELAY_S, Door
from waitroom.public.turns import Turns
from waitroom.public.web import public_app
from waitroom.upstreams.base import Phase
from waitroom.waking.budgets import Claim, Proof

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ALWAYS = "mon-sun 00:00-24:00 UTC"


class Visitor:
    """One at a browser, who asks for JSON to be understood by a test."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        host = a_host(work=2, **keys)
        self.house = House(
            folder, host, a_host("other.test", url="http://other:80", docker={"container": "other"})
        )
        self.now_s = 0.0
        self.slept_s: list[float] = []
        door = Door(b"s" * 32, (), lambda: self.now_s, self.slept_s.append)
        self.door = door
        self.client: FlaskClient = public_app(
            registry=lambda: self.house.registry,
            room=self.house.room,
            door=door,
            turns=Turns(lambda *_: False),
        ).test_client()

    def ask(self, method: str, path: str, host: str = "app.test", **data: str) -> tuple[int, Any]:
        headers = {"Host": host, "User-Agent": BROWSER, "Accept": "application/json"}
        answer = self.client.open(path, method=method, headers=headers, data=data)
        return answer.status_code, answer.json

    def open(
        self, method: str, path: str, *, accept: str = "application/json", agent: str = BROWSER
    ) -> TestResponse:
        headers = {"Host": "app.test", "User-Agent": agent, "Accept": accept}
        return self.client.open(path, method=method, headers=headers)

    def page(self, method: str, path: str, **data: str) -> str:
        """What one at a browser gets to see."""
        headers = {"Host": "app.test", "User-Agent": BROWSER, "Accept": "text/html"}
        return unescape(self.client.open(path, method=method, headers=headers, data=data).text)

    def token(self, host: str = "app.test") -> str:
        return str(self.ask("GET", "/", host)[1]["wake"]["token"])

    def wake(self, host: str = "app.test", **data: str) -> int:
        return self.ask("POST", "/.waitroom/wake", host, **data)[0]

    def proofs(self) -> list[str]:
        events = self.house.journal.events()
        return [event["proof"] for event in events if event["kind"] == "wake_requested"]


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    return Visitor(tmp_path)


def done(work: dict[str, Any], **changes: Any) -> str:
    solution = altcha.solve_challenge(altcha.Challenge.from_dict(work))
    assert solution
    work = {**work, "parameters": {**work["parameters"], **changes}}
    text = json.dumps({"challenge": work, "solution": solution.to_dict()})
    return base64.b64encode(text.encode()).decode()


def test_work_that_was_asked_for_and_done_wakes_once(visitor: Visitor) -> None:
    token = visitor.token()
    status, wanted = visitor.ask("POST", "/.waitroom/wake", token=token, work="?")
    assert (status, wanted["wait_s"]) == (428, DELAY_S)
    work = done(wanted["work"])
    assert visitor.wake(token=token, work=work) == 202
    assert visitor.wake(token=token, work=work) == 403
    assert visitor.proofs() == ["work"]


def test_work_is_for_its_own_token_and_its_own_host(visitor: Visitor) -> None:
    token, other = visitor.token(), visitor.token("other.test")
    work = done(visitor.ask("POST", "/.waitroom/wake", token=token, work="?")[1]["work"])
    assert visitor.wake(token=visitor.token(), work=work) == 403
    assert visitor.wake("other.test", token=other, work=work) == 403
    assert visitor.wake("other.test", token=token, work=work) == 403
    assert visitor.wake(token=other, work=work) == 403
    assert not visitor.proofs()


def test_work_that_was_made_easier_or_comes_too_late_is_none(visitor: Visitor) -> None:
    token = visitor.token()
    wanted = visitor.ask("POST", "/.waitroom/wake", token=token, work="?")[1]["work"]
    assert visitor.wake(token=token, work=done(wanted, cost=1)) == 403
    visitor.now_s = challenges.LIFETIME_S + 1
    assert visitor.wake(token=token, work=done(wanted)) == 403
    assert not visitor.proofs()


def test_who_does_nothing_waits_and_is_held_until_then(visitor: Visitor) -> None:
    token = visitor.token()
    visitor.now_s = 1.0
    assert visitor.wake(token=token) == 202
    assert visitor.slept_s == [DELAY_S - 1]
    assert visitor.proofs() == ["wait"]


def test_who_has_waited_already_is_not_held(visitor: Visitor) -> None:
    token = visitor.token()
    visitor.now_s = DELAY_S
    assert visitor.wake(token=token) == 202
    assert visitor.slept_s == []


def test_a_program_that_asks_in_json_and_takes_anything_reads_json(visitor: Visitor) -> None:
    headers = {"Host": "app.test", "User-Agent": "of its own", "Accept": "*/*"}
    question = {"token": visitor.token(), "work": "?"}
    wanted = visitor.client.post("/.waitroom/wake", headers=headers, json=question)
    assert wanted.status_code == 428
    proof = question | {"work": done(wanted.get_json()["work"])}
    taken = visitor.client.post("/.waitroom/wake", headers=headers, json=proof)
    assert (taken.status_code, taken.get_json()["state"]) == (202, "waking")


def test_each_answer_says_how_the_host_is(visitor: Visitor) -> None:
    for status, data in (
        (428, {"token": visitor.token(), "work": "?"}),
        (403, {"token": "none"}),
        (413, {"token": "x" * 20_000}),
    ):
        headers = {"Host": "app.test", "User-Agent": BROWSER, "Accept": "application/json"}
        answer = visitor.client.post("/.waitroom/wake", headers=headers, data=data)
        assert (answer.status_code, answer.headers["X-Waitroom"]) == (status, "asleep")


def test_the_token_of_a_board_is_for_the_board_only(visitor: Visitor) -> None:
    board = visitor.page("GET", "/.waitroom/chess")
    [token] = re.findall('name="token" value="([^"]+)"', board)
    visitor.now_s = DELAY_S
    assert visitor.wake(token=token) == 403
    assert visitor.wake(token=token, work="?") == 403
    assert not visitor.proofs()


def test_a_form_whose_token_was_used_or_is_too_old_leads_back_to_its_page(
    visitor: Visitor,
) -> None:
    token = visitor.token()
    visitor.now_s = DELAY_S
    form = {"User-Agent": BROWSER, "Accept": "text/html", "Referer": "http://app.test/a?b=c"}
    for now_s in (DELAY_S, DELAY_S, 2 * challenges.LIFETIME_S):
        visitor.now_s = now_s
        answer = visitor.client.post(
            "/.waitroom/wake", headers={"Host": "app.test", **form}, data={"token": token}
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/a?b=c")
    assert visitor.proofs() == ["wait"]


def test_a_chess_host_wakes_for_neither_work_nor_patience(tmp_path: Path) -> None:
    visitor = Visitor(tmp_path, gate="chess")
    assert visitor.ask("GET", "/")[1]["wake"] is None
    host = visitor.house.registry.hosts["app.test"]
    visitor.now_s = DELAY_S
    assert visitor.wake(token=visitor.door.challenge(host)) == 403
    assert visitor.wake(token=visitor.door.challenge(host), work="?") == 403
    assert not visitor.proofs()


def test_nobody_wakes_it_in_its_closed_hours(tmp_path: Path) -> None:
    visitor = Visitor(tmp_path, gate="open", closed=ALWAYS)
    status, answer = visitor.ask("GET", "/")
    assert (status, answer["state"], answer["wake"]) == (503, "asleep", None)
    assert visitor.wake() == 403
    assert not visitor.proofs()


def test_who_waits_for_an_app_that_runs_is_not_sent_away_until_its_hours(tmp_path: Path) -> None:
    visitor = Visitor(tmp_path, closed=ALWAYS)
    host = visitor.house.registry.hosts["app.test"]
    assert int(visitor.open("GET", "/").headers["Retry-After"]) > 3600
    visitor.house.upstream(host).phase = Phase.RUNNING
    visitor.house.statuses.forget(host.name)
    answer = visitor.open("GET", "/")
    assert (answer.headers["X-Waitroom"], answer.headers["Retry-After"]) == ("ready", "5")


def spoil(journal: Path) -> None:
    """Let nobody write it any more, root included."""
    eventually(journal.exists, what="that the host was found stopped is written")
    journal.unlink()
    journal.mkdir()


def test_a_wake_that_can_not_be_written_down_is_refused_in_words_for_a_visitor(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    token = visitor.token()
    work = done(visitor.ask("POST", "/.waitroom/wake", token=token, work="?")[1]["work"])
    spoil(visitor.house.journal.path)
    status, told = visitor.ask("POST", "/.waitroom/wake", token=token, work=work)
    assert (status, told["refused"], told["state"]) == (503, "fault", "asleep")
    assert "can't write down what it does" in told["detail"]
    assert "no wake is started" in caplog.text
    assert "Is a directory" in caplog.text
    assert visitor.ask("GET", "/.waitroom/status")[1]["refused"] == "fault"
    page = visitor.page("GET", "/")
    assert "Out of order" in page
    assert "<form" not in page


def test_that_the_journal_can_be_written_again_is_seen_by_who_waits(visitor: Visitor) -> None:
    journal = visitor.house.journal.path
    token = visitor.token()
    spoil(journal)
    visitor.now_s = DELAY_S
    assert visitor.wake(token=token) == 503
    journal.rmdir()
    eventually(lambda: visitor.ask("GET", "/.waitroom/status")[1]["refused"] is None)
    assert visitor.wake(token=visitor.token(), work="") == 202


def test_under_the_gate_chess_the_board_says_it_too(tmp_path: Path) -> None:
    visitor = Visitor(tmp_path, gate="chess")
    board = visitor.page("GET", "/.waitroom/chess")
    [token] = re.findall('name="token" value="([^"]+)"', board)
    host = visitor.house.registry.hosts["app.test"]
    number = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["puzzle"]
    move = chess.puzzle(number).move
    spoil(visitor.house.journal.path)
    board = visitor.page("POST", "/.waitroom/chess", token=token, chosen=move[:2], square=move[2:])
    assert "can't write down what it does" in board
    assert not visitor.house.upstream(host).starts


def test_a_program_is_told_that_nothing_was_sent_on(visitor: Visitor) -> None:
    for accept, method in product(("application/json", "text/plain"), ("POST", "PUT", "DELETE")):
        answer = visitor.open(method, "/orders", accept=accept)
        assert answer.status_code == 503
        assert "Nothing that you sent has been passed on" in answer.text
        assert (answer.json or {}).get("sent_on", False) is False
    curl = visitor.open("POST", "/orders", accept="*/*", agent="curl/8.5.0")
    assert "Nothing that you sent has been passed on" in curl.text


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_a_program_is_told_what_wakes_a_host_or_why_nothing_does(
    tmp_path: Path, accept: str
) -> None:
    visitor = Visitor(tmp_path, budget={"wakes_per_day": 1})
    program = {"accept": accept, "agent": "curl/8.5.0"}
    assert (
        "open it in a browser, or send one of its tokens"
        in visitor.open("GET", "/", **program).text
    )
    machine = visitor.open("GET", "/", accept=accept, agent="Googlebot/2.1")
    assert "browser" not in machine.text
    host = visitor.house.registry.hosts["app.test"]
    visitor.house.room.wake(host, Claim(visitor="v", proof=Proof.TRUST))
    eventually(lambda: visitor.house.waker.under_way(host.name) is None)
    visitor.house.upstream(host).phase = Phase.STOPPED
    visitor.house.routes.mark_asleep(host.names)
    visitor.house.statuses.forget(host.name)
    spent = visitor.open("GET", "/", **program)
    assert spent.headers["X-Waitroom"] == "asleep"
    assert "as often as its budget allows" in spent.text
    assert "browser" not in spent.text


@pytest.mark.parametrize("gate", ["open", "closed"])
def test_a_program_gets_a_page_only_if_it_asks_for_one(tmp_path: Path, gate: str) -> None:
    visitor = Visitor(tmp_path, gate=gate)
    kinds = {
        (agent, accept): visitor.open("GET", "/", accept=accept, agent=agent).mimetype
        for agent in ("curl/8.5.0", BROWSER)
        for accept in ("*/*", "text/html")
    }
    assert kinds.pop(("curl/8.5.0", "*/*")) == "text/plain"
    assert set(kinds.values()) == {"text/html"}
    nobody = visitor.client.get("/", headers={"Host": "nobody.test", "User-Agent": "curl/8.5.0"})
    assert (nobody.status_code, nobody.mimetype) == (404, "text/plain")


def test_who_only_asks_or_asks_for_a_wake_is_not_told_so(visitor: Visitor) -> None:
    for method, path in (("GET", "/orders"), ("POST", "/.waitroom/wake")):
        answer = visitor.open(method, path)
        assert "passed on" not in answer.text
        assert "sent_on" not in answer.text


def test_ten_thousand_forged_ones_wake_nothing_and_leave_nothing(visitor: Visitor) -> None:
    token = visitor.token()
    body, _, signature = token.rpartition(".")
    for i in range(2_500):
        assert visitor.wake(token=f"{body}.{i:x}{signature[4:]}") == 403
        assert visitor.wake(token=f"{i:x}.{signature}") == 403
        assert visitor.wake(token=token, work=f"{i:x}") == 403
        assert (
            visitor.wake(token="", work=base64.b64encode(b'{"challenge":%d}' % i).decode()) == 403
        )
    assert not visitor.proofs()
    assert (visitor.house.journal.path.read_bytes().count(b"\n")) <= 2  # found stopped
    assert visitor.wake(token=visitor.token()) == 202
