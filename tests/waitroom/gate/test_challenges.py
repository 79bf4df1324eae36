from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.gate.challenges import LIFETIME_S, Challenge, ChallengeError, Challenges

HOST = "app.test"
CHALLENGES = Challenges(b"s" * 32)


def test_one_that_was_handed_out_is_taken_once() -> None:
    token = CHALLENGES.issue(HOST, 5.0)
    challenge = CHALLENGES.read(token, HOST, 6.0)
    CHALLENGES.use_up(challenge, 6.0)
    with pytest.raises(ChallengeError, match="used already"):
        CHALLENGES.use_up(challenge, 6.0)
    with pytest.raises(ChallengeError, match="used already"):
        CHALLENGES.read(token, HOST, 6.0)


def test_of_many_who_bring_the_same_at_once_one_is_taken() -> None:
    challenge = CHALLENGES.read(CHALLENGES.issue(HOST, 5.0), HOST, 6.0)
    taken, barrier = [], threading.Barrier(20)

    def bring() -> None:
        barrier.wait()
        try:
            CHALLENGES.use_up(challenge, 6.0)
        except ChallengeError:
            return
        taken.append(1)

    threads = [threading.Thread(target=bring) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_one_of_another_host_is_refused_and_stays_good_for_its_own() -> None:
    token = CHALLENGES.issue(HOST, 5.0)
    with pytest.raises(ChallengeError, match="another host"):
        CHALLENGES.read(token, "other.test", 6.0)
    assert CHALLENGES.read(token, HOST, 6.0).host == HOST


def test_it_expires() -> None:
    token = CHALLENGES.issue(HOST, 5.0)
    assert CHALLENGES.read(token, HOST, 5.0 + LIFETIME_S)
    with pytest.raises(ChallengeError, match="expired"):
        CHALLENGES.read(token, HOST, 5.1 + LIFETIME_S)


def test_none_outlives_a_restart() -> None:
    token = CHALLENGES.issue(HOST, 5.0)
    with pytest.raises(ChallengeError, match="not one of ours"):
        Challenges(b"s" * 32).read(token, HOST, 6.0)


def test_the_puzzle_and_the_tries_left_can_be_read_and_not_be_changed() -> None:
    token = CHALLENGES.issue(HOST, 5.0, puzzle=7, tries=2)
    challenge = CHALLENGES.read(token, HOST, 6.0)
    assert (challenge.puzzle, challenge.tries) == (7, 2)
    body, _, signature = token.rpartition(".")
    for forged in (f"{body[:-2]}AA.{signature}", f"{body}.{signature[::-1]}", body, f"{token}A"):
        with pytest.raises(ChallengeError):
            CHALLENGES.read(forged, HOST, 6.0)


@given(st.text() | st.text(alphabet="abcDEF019._-", min_size=20))
def test_nothing_else_is_one(text: str) -> None:
    with pytest.raises(ChallengeError):
        CHALLENGES.read(text, HOST, 6.0)


def test_ten_thousand_forged_ones_leave_nothing_behind() -> None:
    challenges = Challenges(b"s" * 32)
    for i in range(10_000):
        forged = Challenges(b"t" * 32).issue(HOST, 5.0) if i < 10 else f"e{i}.x{i}"
        with pytest.raises(ChallengeError):
            challenges.read(forged, HOST, 6.0)
    assert not challenges._used  # noqa: SLF001 - nothing outside can see it


def test_should_too_many_be_used_those_handed_out_before_are_void() -> None:
    challenges = Challenges(b"s" * 32)
    before = challenges.issue(HOST, 1.0)
    for i in range(100_001):
        challenges.use_up(Challenge(HOST, str(i), 1.0), 2.0)
    assert len(challenges._used) == 1  # noqa: SLF001 - nothing outside can see it
    with pytest.raises(ChallengeError, match="expired"):
        challenges.read(before, HOST, 3.0)
    assert challenges.read(challenges.issue(HOST, 3.0), HOST, 3.0)
