"""The waiting page as a document; what it does in a browser is in tests/browser."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from itertools import product

import pytest

from waitroom.errors import Reason
from waitroom.gate.traps import LINK
from waitroom.language.catalogues import catalogues
from waitroom.language.sentences import HEADLINES
from waitroom.pages.page import content_security_policy, render, unregistered
from waitroom.view import Refusal, Refused, Stage, State, View

AT = datetime(2026, 1, 2, tzinfo=UTC)
HOSTILE = "\"'><script>alert(1)</script>{{7*7}}</noscript>"
QUEUE = {
    "en": "You are now in the queue, thank you for waiting.",
    "id": "Anda sekarang berada di antrian, terima kasih telah menunggu.",
}


def page(state: State = State.WAKING, language: str = "en", **more: object) -> str:
    """Render a page; what is not an argument of it is a field of its View."""
    arguments = {
        "token": "t0ken",
        "automatic": True,
        "nonce": "n0nce",
        "origin_status": None,
        "unsent": False,
    }
    for name in arguments.keys() & more.keys():
        arguments[name] = more.pop(name)
    fields = {"host": "app.example.com", "since": AT, **more}
    return render(View(state=state, **fields), language, **arguments)  # type: ignore[arg-type]


def visible(html: str, element: str) -> bool:
    """Whether the element with this id is there and not hidden."""
    tag = re.search(rf'<\w+[^>]* id="{element}"[^>]*>', html) or re.search(
        rf'<\w+ id="{element}"[^>]*>', html
    )
    return tag is not None and " hidden" not in tag[0]


@pytest.mark.parametrize("language", catalogues())
@pytest.mark.parametrize("state", State)
def test_every_state_is_a_whole_page_in_every_language(state: State, language: str) -> None:
    html = page(state, language)
    assert html.startswith("<!doctype html>")
    assert f'<html lang="{language}">' in html
    assert f'data-state="{state}"' in html
    assert "app.example.com" in html


@pytest.mark.parametrize("language", QUEUE)
def test_says_the_words_of_the_queue(language: str) -> None:
    assert QUEUE[language] in page(State.WAKING, language)
    assert visible(page(State.WAKING, language), "queue")


def test_nobody_who_does_not_wait_is_in_a_queue() -> None:
    assert not visible(page(State.FAILED), "queue")
    assert not visible(page(State.ASLEEP, automatic=False), "queue")
    assert not visible(page(State.READY, origin_status=502), "queue")


def test_nobody_without_script_is_in_a_queue_before_he_has_pressed_the_button() -> None:
    hides = re.compile(r"<noscript><style[^>]*>[^<]*#queue { display: none }")
    assert hides.search(page(State.ASLEEP))
    assert not hides.search(page(State.WAKING))


def test_the_trap_has_no_words_that_a_browser_for_text_alone_would_show() -> None:
    assert re.search(rf'<a href="{LINK}"[^>]* hidden></a>', page())


def test_hostile_names_and_tokens_stay_text() -> None:
    html = page(State.ASLEEP, host=HOSTILE, token=HOSTILE, nonce="n0nce")
    for text in (html, unregistered(HOSTILE, "en", nonce="n0nce")):
        assert "<script>alert" not in text
        assert "49" not in re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
        assert "&lt;script&gt;alert(1)" in text


def test_an_invented_name_is_shown_shortened_and_printable() -> None:
    html = unregistered("a" * 500 + "\x00\u202e", "en", nonce="n0nce")
    assert "a" * 100 + "…" in html
    assert "a" * 101 not in html
    assert "\u202e" not in unregistered("a\u202eb", "en", nonce="n0nce")


def test_the_token_is_in_a_form_that_needs_no_script() -> None:
    html = page(State.ASLEEP, automatic=False)
    assert '<form id="wake" method="post" action="/.waitroom/wake">' in html
    assert '<input type="hidden" name="token" value="t0ken">' in html
    assert ">Wake it up</button>" in html
    assert ">Try again</button>" in page(State.FAILED)


@pytest.mark.parametrize("state", State)
def test_the_button_is_there_only_where_it_does_something(state: State) -> None:
    assert visible(page(state), "wake") == (state in (State.ASLEEP, State.FAILED))


def test_who_may_not_wake_is_told_so_and_gets_no_form() -> None:
    html = page(State.ASLEEP, token=None)
    assert "<form" not in html
    assert "can&#39;t be woken from this page" in html or "can't be woken from this page" in html


@pytest.mark.parametrize("why", Refusal)
def test_a_refusal_has_its_own_headline_and_picture_and_no_button(why: Refusal) -> None:
    html = page(State.ASLEEP, token=None, refused=Refused(why))
    assert f'data-state="{why}"' in html
    assert HEADLINES[why] in html
    assert "<form" not in html
    assert not visible(html, "queue")
    assert f"[data-state={why}] ." in html


def test_a_request_that_carried_something_is_told_that_it_was_not_sent_on() -> None:
    assert "has not been passed on" in page(State.ASLEEP, unsent=True)
    assert "has not been passed on" not in page(State.ASLEEP)


def test_without_script_it_looks_again_by_itself_while_something_is_under_way() -> None:
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page(State.WAKING)
    assert "http-equiv" in page(State.ASLEEP, token=None, refused=Refused(Refusal.BUSY))
    assert "http-equiv" not in page(State.ASLEEP)
    assert "http-equiv" not in page(State.FAILED)


def test_the_apps_own_error_is_final() -> None:
    html = page(State.READY, origin_status=502)
    assert "error 502" in html
    assert " data-final" in html
    assert "http-equiv" not in html
    assert "<form" not in html
    assert visible(html, "reload")


def test_the_bar_is_there_while_it_wakes_and_full_only_when_the_app_answers() -> None:
    assert visible(page(State.WAKING), "wait")
    assert not visible(page(State.ASLEEP), "wait")
    assert 'value="0.4"' in page(State.WAKING, elapsed_s=10.0, expected_s=20.0)
    assert 'value="0.875"' in page(State.WAKING, elapsed_s=30.0, expected_s=20.0, late_s=40.0)
    assert 'value="0.95"' in page(State.WAKING, elapsed_s=90.0, expected_s=20.0)
    assert "value=" not in page(State.WAKING, token=None)


def test_nothing_is_asked_of_anybody_else() -> None:
    namespaces = ("http://www.w3.org/2000/svg",)
    for html in (page(), unregistered("x", "en", nonce="n0nce")):
        assert set(re.findall(r"https?://[^\"' >]+", html)) <= set(namespaces)
        assert not re.search(r'(?:src|href)="//', html)


def test_the_policy_admits_only_what_carries_the_nonce() -> None:
    policy = content_security_policy("n0nce")
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for html in (page(), unregistered("x", "en", nonce="n0nce")):
        assert re.findall(r"<(?:script|style)(?![^>]*nonce=\"n0nce\")", html) == []
        assert not re.search(r"<[^>]+ (?:style|on\w+)=", html)


@pytest.mark.parametrize("language", catalogues())
def test_every_page_fits_into_the_first_14_kilobytes(language: str) -> None:
    longest = ".".join(["a" * 62] * 4)
    pages = [
        page(state, language, host=longest, stage=stage, reason=reason, token="t" * 200)
        for state, stage, reason in product(State, [None, *Stage], [None, *Reason])
    ]
    heaviest = max(pages, key=lambda html: len(html.encode()))
    # As it is sent; with the largest logo (8 KB as a data: URI) it is still less than 14 KB.
    assert len(gzip.compress(heaviest.encode(), 6)) < 6_300
