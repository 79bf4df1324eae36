"""The wake token: signed, bound to host and action, good for ten minutes and for one use."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from waitroom.errors import ConfigError

LIFETIME_S = 600


class TokenError(Exception):
    """A token that wakes nothing; the text says why, for the visitor's answer."""


class WakeTokens:
    """Issues tokens and redeems each at most once; safe to use from several threads."""

    def __init__(self, secret: bytes) -> None:
        # What was redeemed is remembered in memory only. The salt is new at each start, so that
        # no token from before a restart can be redeemed a second time after it.
        self._signer = URLSafeTimedSerializer(secret, salt=f"wake-{secrets.token_hex(8)}")
        self._lock = threading.Lock()
        # nonce -> monotonic time when it is forgotten; the oldest is always the first
        self._redeemed: OrderedDict[str, float] = OrderedDict()

    def issue(self, host: str) -> str:
        """Make a token that wakes this host."""
        return self._signer.dumps({"host": host, "do": "wake", "nonce": secrets.token_urlsafe(12)})

    def redeem(self, token: str, host: str) -> None:
        """Use a token up. Raises: TokenError for a wrong, foreign, expired or used one."""
        try:
            content = self._signer.loads(token, max_age=LIFETIME_S)
        except SignatureExpired:
            raise TokenError("this token has expired; load the page again") from None
        except BadSignature:
            raise TokenError("this token is not one of ours; load the page again") from None
        if (content.get("host"), content.get("do")) != (host, "wake"):
            raise TokenError("this token is for another host")
        now = time.monotonic()
        with self._lock:
            while self._redeemed and next(iter(self._redeemed.values())) <= now:
                self._redeemed.popitem(last=False)
            if content["nonce"] in self._redeemed:
                raise TokenError("this token was used already; load the page again")
            self._redeemed[content["nonce"]] = now + LIFETIME_S


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
        raise ConfigError(f"{path}: the secret can't be read or made: {error.strerror}") from error
    if len(secret) < 16:  # noqa: PLR2004 - 128 bits, below which a key can be guessed
        raise ConfigError(f"{path}: holds no usable secret; remove it, a new one is made")
    return secret
