from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.errors import ConfigError
from waitroom.tokens import TokenError, WakeTokens, load_secret

TOKENS = WakeTokens(b"s" * 32)


def test_a_token_wakes_its_host_once() -> None:
    token = TOKENS.issue("app.test")
    TOKENS.redeem(token, "app.test")
    with pytest.raises(TokenError, match="used already"):
        TOKENS.redeem(token, "app.test")


def test_a_token_for_another_host_is_refused_and_stays_good_for_its_own() -> None:
    token = TOKENS.issue("app.test")
    with pytest.raises(TokenError, match="another host"):
        TOKENS.redeem(token, "other.test")
    TOKENS.redeem(token, "app.test")


def test_no_token_outlives_a_restart() -> None:
    token = TOKENS.issue("app.test")
    with pytest.raises(TokenError, match="not one of ours"):
        WakeTokens(b"s" * 32).redeem(token, "app.test")


def test_a_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waitroom.tokens.LIFETIME_S", -1)
    with pytest.raises(TokenError, match="expired"):
        TOKENS.redeem(TOKENS.issue("app.test"), "app.test")


def test_a_used_token_is_remembered_among_many() -> None:
    tokens = WakeTokens(b"s" * 32)
    used = [tokens.issue("app.test") for _ in range(1000)]
    for token in used:
        tokens.redeem(token, "app.test")
    for token in used:
        with pytest.raises(TokenError, match="used already"):
            tokens.redeem(token, "app.test")


@given(st.text() | st.text(alphabet="abcDEF019._-", min_size=20))
def test_nothing_else_is_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.redeem(text, "app.test")


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    secret = load_secret(path)
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o077 == 0


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(ConfigError, match="no usable secret"):
        load_secret(tmp_path / "secret")
