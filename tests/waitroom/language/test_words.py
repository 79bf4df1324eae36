"""What a visitor is told: something for every state, and nothing that is not so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from waitroom.errors import Reason
from waitroom.language import sentences
from waitroom.language.catalogues import catalogues
from waitroom.language.words import message
from waitroom.view import MemberState, Refusal, Refused, Stage, State, View

AT = datetime(2026, 1, 2, tzinfo=UTC)
HOST = "app.example.com"


def view(state: State, **more: object) -> View:
    return View(host=HOST, state=state, since=AT, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", catalogues())
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("reason", [None, *Reason])
def test_has_words_that_name_the_host_whatever_happens(
    state: State, stage: Stage | None, reason: Reason | None, language: str
) -> None:
    text = message(view(state, stage=stage, reason=reason, expected_s=20), language)
    assert HOST in text
    assert "%" not in text


def test_the_tables_know_every_state_stage_and_reason() -> None:
    special = {State.WAKING, State.FAILED, State.UNKNOWN}
    assert set(sentences.HEADLINES) == {*State, *Refusal}
    assert set(sentences.REFUSALS) == set(Refusal)
    assert set(sentences.STATES) == set(State) - special
    assert set(sentences.STAGES) == {None, *Stage}
    assert set(sentences.MEMBERS) == set(MemberState)
    assert set(sentences.FAILURES) == {None, *Reason}


def test_tells_what_each_of_a_group_does() -> None:
    members = (("db", MemberState.RUNNING), ("web", MemberState.WAITING))
    woken = view(State.WAKING, stage=Stage.STARTING, members=members)
    assert message(woken, "en") == f"{HOST} is being started. (db: running, web: waiting)"
    assert "(db: berjalan, web: menunggu)" in message(woken, "id")


def test_every_reason_sounds_different() -> None:
    texts = {message(view(State.FAILED, reason=reason), "en") for reason in [None, *Reason]}
    assert len(texts) == len(Reason) + 1


@pytest.mark.parametrize(
    ("seconds", "english", "indonesian"),
    [
        (0.2, "about 1 second", "sekitar 1 detik"),
        (3.4, "about 3 seconds", "sekitar 3 detik"),
        (9.8, "about 10 seconds", "sekitar 10 detik"),
        (21, "about 20 seconds", "sekitar 20 detik"),
        (86, "about 85 seconds", "sekitar 85 detik"),
        (100, "about 2 minutes", "sekitar 2 menit"),
        (600, "about 10 minutes", "sekitar 10 menit"),
    ],
)
def test_says_durations_as_a_person_would(seconds: float, english: str, indonesian: str) -> None:
    asleep = view(State.ASLEEP, expected_s=seconds)
    assert message(asleep, "en").endswith(f"usually takes {english}.")
    assert message(asleep, "id").endswith(f"biasanya memerlukan {indonesian}.")


def test_promises_no_duration_that_is_not_known() -> None:
    assert "usually" not in message(view(State.WAKING), "en")
    assert "usually" not in message(view(State.FAILED, expected_s=20), "en")


def test_admits_that_it_takes_longer_than_usual() -> None:
    late = view(State.WAKING, elapsed_s=21, expected_s=20)
    assert message(late, "en").endswith("this time it takes longer.")


def test_says_longer_than_usual_only_past_what_nine_of_ten_wakes_took() -> None:
    slow = view(State.WAKING, elapsed_s=30, expected_s=20, late_s=40)
    assert message(slow, "en").endswith(
        "takes about 20 seconds, and seldom more than about 40 seconds."
    )
    late = view(State.WAKING, elapsed_s=41, expected_s=20, late_s=40)
    assert message(late, "en").endswith("this time it takes longer.")


@pytest.mark.parametrize("language", catalogues())
@pytest.mark.parametrize("why", Refusal)
def test_a_refusal_says_why_and_when_it_ends(why: Refusal, language: str) -> None:
    known = message(view(State.ASLEEP, refused=Refused(why, AT), expected_s=20), language)
    assert HOST in known
    assert "2026-01-02 00:00 UTC" in known
    assert "20" not in known.replace("2026", "")
    assert "UTC" not in message(view(State.ASLEEP, refused=Refused(why)), language)


def test_a_refusal_is_no_news_where_no_wake_is_needed() -> None:
    for state in (State.WAKING, State.READY, State.DRAINING):
        refused = view(state, refused=Refused(Refusal.SPENT, AT))
        assert message(refused, "en") == message(view(state), "en")


def test_the_words_stay_the_same_while_nothing_changes() -> None:
    texts = {message(view(State.WAKING, elapsed_s=s, expected_s=20), "en") for s in range(20)}
    assert len(texts) == 1


def test_the_apps_own_error_is_the_apps() -> None:
    text = message(view(State.READY), "en", origin_status=502)
    assert "is running" in text
    assert "error 502" in text


def test_an_error_of_an_app_that_is_not_ready_is_part_of_the_wake() -> None:
    waking = view(State.WAKING, stage=Stage.ANSWERING)
    assert message(waking, "en", origin_status=502) == message(waking, "en")
