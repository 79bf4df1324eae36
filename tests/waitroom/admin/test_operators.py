from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from waitroom.admin import assertions
from waitroom.admin.operators import Operators, Role
from waitroom.errors import WaitroomError

ORDER = assertions.canonical("POST", "/hosts/app.test/sleep", b"reason=x")


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


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[1]",
        '[{"name": "ann", "role": "operator", "hash": "ä"}]',
        '[{"name": "ann", "role": "operator", "hash": "%s\\n"}]' % ("0" * 64),
        '[{"name": "a b", "role": "operator", "hash": "%s"}]' % ("0" * 64),
        '[{"name": "ann", "role": "king", "hash": "%s"}]' % ("0" * 64),
        '[{"more": %s}]' % ("[" * 100_000),
        "\udcff",
    ],
)
def test_a_file_that_is_damaged_lets_nobody_in(
    operators: Operators, tmp_path: Path, damage: str
) -> None:
    (tmp_path / "operators.json").write_text(damage, errors="surrogateescape")
    with pytest.raises(WaitroomError, match="can't be read, so nobody can log in"):
        operators.find("x")


def test_of_those_who_are_added_at_once_none_is_lost(operators: Operators) -> None:
    names = [f"ann{number}" for number in range(20)]
    with ThreadPoolExecutor() as pool:
        tokens = list(pool.map(lambda name: operators.add(name, Role.READER), names))
    assert sorted(one.name for one in operators.all()) == sorted(names)
    assert [one.name for token in tokens if (one := operators.find(token))] == names


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WaitroomError, match=r"operators.json: can't be written .*WAITROOM_DATA"):
        Operators(tmp_path / "gone" / "operators.json").add("ann", Role.READER)


def test_a_start_says_that_nobody_can_log_in_and_leaves_the_damage_to_a_person(
    operators: Operators, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "operators.json").write_text("{")
    operators.begin()
    assert "nobody can log in" in caplog.text
    assert (tmp_path / "operators.json").read_text() == "{"
    with pytest.raises(WaitroomError, match="operator add NAME"):
        operators.add("ann", Role.OPERATOR)
    (tmp_path / "operators.json").unlink()
    assert operators.find(operators.add("ann", Role.OPERATOR))
    assert operators.fault() is None


def test_only_who_has_the_secret_can_assert_a_name() -> None:
    secret = b"s" * 32
    said = assertions.issue(secret, "ann", ORDER)
    assert assertions.verify(secret, said, ORDER) == "ann"
    assert assertions.verify(b"t" * 32, said, ORDER) is None
    for other in ("ann", said[:-1], assertions.issue(secret, "a b", ORDER)):
        assert assertions.verify(secret, other, ORDER) is None


@pytest.mark.parametrize(
    ("method", "uri", "form"),
    [
        ("GET", "/hosts/app.test/sleep", b"reason=x"),
        ("POST", "/hosts/other.test/sleep", b"reason=x"),
        ("POST", "/hosts/app.test/sleep", b"reason=x&force=yes"),
    ],
)
def test_an_assertion_is_good_for_its_own_order_alone(method: str, uri: str, form: bytes) -> None:
    said = assertions.issue(b"s", "ann", ORDER)
    assert assertions.verify(b"s", said, ORDER) == "ann"
    assert assertions.verify(b"s", said, assertions.canonical(method, uri, form)) is None


def test_an_assertion_is_good_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waitroom.admin.assertions.LIFETIME_S", -1)
    assert assertions.verify(b"s", assertions.issue(b"s", "ann", ORDER), ORDER) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_adds_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    os.chown(tmp_path, 65532, 65532)
    Operators(tmp_path / "operators.json").add("ann", Role.OPERATOR)
    assert (tmp_path / "operators.json").stat().st_uid == 65532
