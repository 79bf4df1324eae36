from __future__ import annotations

import logging
from pathlib import Path

import pytest

from waitroom import assertions
from waitroom.errors import WaitroomError
from waitroom.operators import Operators, Role


@pytest.fixture
def operators(tmp_path: Path) -> Operators:
    return Operators(tmp_path / "operators.json")


def test_the_first_token_is_shown_once_and_kept_as_a_hash(
    operators: Operators, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        operators.begin()
        operators.begin()
    [line] = [record.getMessage() for record in caplog.records]
    token = line.rpartition(" ")[2]
    found = operators.find(token)
    assert found
    assert (found.name, found.role) == ("admin", Role.OPERATOR)
    file = tmp_path / "operators.json"
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_new_token_replaces_the_old_one(operators: Operators) -> None:
    old, new = operators.add("ann", Role.OPERATOR), operators.add("ann", Role.READER)
    assert operators.find(old) is None
    assert [(one.name, one.role) for one in operators.all()] == [("ann", Role.READER)]
    operators.remove("ann")
    assert operators.find(new) is None
    with pytest.raises(WaitroomError, match="no operator 'ann'"):
        operators.remove("ann")


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x" * 65])
def test_a_name_is_a_short_word(operators: Operators, name: str) -> None:
    with pytest.raises(WaitroomError, match="is no name"):
        operators.add(name, Role.READER)


def test_a_file_that_is_damaged_lets_nobody_in(operators: Operators, tmp_path: Path) -> None:
    (tmp_path / "operators.json").write_text("{")
    with pytest.raises(WaitroomError, match="can't be read"):
        operators.find("x")


def test_only_who_has_the_secret_can_assert_a_name() -> None:
    secret = b"s" * 32
    assert assertions.name_in(secret, assertions.issue(secret, "ann")) == "ann"
    assert assertions.name_in(b"t" * 32, assertions.issue(secret, "ann")) is None
    assert assertions.name_in(secret, "ann") is None


def test_an_assertion_is_good_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waitroom.assertions.LIFETIME_S", -1)
    assert assertions.name_in(b"s", assertions.issue(b"s", "ann")) is None
