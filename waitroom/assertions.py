"""The signed word of a command: whoever can read the waiting room's secret is an operator.

It is good for a minute, long enough to be sent; a command that waits makes a new one each time.
"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer

from waitroom.operators import is_name

LIFETIME_S = 60


def issue(secret: bytes, name: str) -> str:
    """Say that the operator of this name asks."""
    return _signer(secret).dumps(name)


def name_in(secret: bytes, text: str) -> str | None:
    """Return the operator's name, or None if nobody with the secret has said so just now."""
    try:
        name = _signer(secret).loads(text, max_age=LIFETIME_S)
    except BadSignature:
        return None
    return name if isinstance(name, str) and is_name(name) else None


def _signer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="operator")
