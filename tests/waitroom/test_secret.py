from __future__ import annotations

from pathlib import Path

import pytest

from waitroom.errors import ConfigError
from waitroom.secret import load_secret


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    secret = load_secret(path)
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o077 == 0


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(ConfigError, match="no usable secret"):
        load_secret(tmp_path / "secret")


def test_a_secret_that_can_not_be_read_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Is a directory; .* \(WAITROOM_SECRET_FILE\)$"):
        load_secret(tmp_path)
