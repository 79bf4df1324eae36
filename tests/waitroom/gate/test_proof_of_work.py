from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from altcha import Challenge, solve_challenge
from hypothesis import given
from hypothesis import strategies as st

from waitroom.gate.proof_of_work import ProofOfWork

WORK = ProofOfWork()
ASKED = WORK.ask("nonce", 4)


def answer(asked: dict[str, Any], **changes: Any) -> str:
    """Do the work as the page's script does; `changes` are a cheat's."""
    solution = solve_challenge(Challenge.from_dict(asked))
    assert solution
    asked = {**asked, "parameters": {**asked["parameters"], **changes}}
    text = json.dumps({"challenge": asked, "solution": solution.to_dict()})
    return base64.b64encode(text.encode()).decode()


def test_work_that_was_asked_for_and_done_counts() -> None:
    assert WORK.is_done("nonce", answer(ASKED))


def test_it_counts_for_no_other_challenge() -> None:
    assert not WORK.is_done("other", answer(ASKED))
    assert not WORK.is_done("other", answer(ASKED, data={"for": "other"}))


@pytest.mark.parametrize(
    "change",
    [{"cost": 1}, {"keyPrefix": "00"}, {"keyPrefix": ""}, {"keySignature": None}, {"nonce": "00"},
     {"algorithm": "SHA-256"}, {"data": None}, {"expiresAt": 9e99}],
)  # fmt: skip
def test_a_client_that_makes_it_easier_has_done_nothing(change: dict[str, Any]) -> None:
    assert not WORK.is_done("nonce", answer(ASKED, **change))


def test_the_answer_can_not_be_guessed_from_what_is_asked() -> None:
    solution = {"counter": 1, "derivedKey": ASKED["parameters"]["keyPrefix"] + "00" * 16}  # type: ignore[index]
    text = json.dumps({"challenge": ASKED, "solution": solution})
    assert not WORK.is_done("nonce", base64.b64encode(text.encode()).decode())


def test_what_was_asked_before_a_restart_does_not_count() -> None:
    assert not ProofOfWork().is_done("nonce", answer(ASKED))


def test_it_takes_between_half_and_all_of_the_keys() -> None:
    for _ in range(20):
        solution = solve_challenge(Challenge.from_dict(WORK.ask("nonce", 6)))
        assert solution
        assert 3 <= solution.counter <= 6


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
parts = st.fixed_dictionaries(
    {"challenge": st.fixed_dictionaries({
        "parameters": st.fixed_dictionaries({
            "algorithm": json_values, "nonce": json_values, "salt": json_values, "cost": json_values,
            "data": st.just({"for": "nonce"}), "keySignature": json_values, "expiresAt": json_values,
        }),
        "signature": json_values,
    }), "solution": st.fixed_dictionaries({"counter": json_values, "derivedKey": json_values})}
)  # fmt: skip


@given(
    st.text()
    | (json_values | parts).map(lambda v: base64.b64encode(json.dumps(v).encode()).decode())
)
def test_nonsense_is_no_work_and_no_error(text: str) -> None:
    assert not WORK.is_done("nonce", text)
