"""The secret: the key that signs challenges."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from waitroom.errors import ConfigError


def load_secret(path: Path) -> bytes:
    """Read the signing key, or make one on the first start. Raises: ConfigError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_bytes()
        else:
            secret = secrets.token_bytes(32)
            with os.fdopen(handle, "wb") as file:
                file.write(secret)
    except OSError as error:
        raise ConfigError(
            f"{path}: the secret can't be read or made: {error.strerror}; mend its owner"
            " or mode, or name another (WAITROOM_SECRET_FILE)"
        ) from error
    if len(secret) < 16:  # noqa: PLR2004 - 128 bits, below which a key can be guessed
        raise ConfigError(f"{path}: holds no usable secret; remove it, a new one is made")
    return secret
