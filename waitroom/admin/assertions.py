"""The signed word of a command: whoever can read the waiting room's secret is an operator.

It is good for one order alone and for a minute, long enough to be sent; a command that waits makes
a new one each time. So who should get hold of one could only repeat that order, and soon not even
that.
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, URLSafeTimedSerializer

from waitroom.admin.operators import is_name

LIFETIME_S = 60


def canonical(method: str, uri: str, form: bytes) -> str:
    """Return what tells one order from all others; `uri`: path and query as they are sent."""
    return f"{method} {uri} {hashlib.sha256(form).hexdigest()}"


def issue(secret: bytes, name: str, ordered: str) -> str:
    """Return a token, safe in a header, by which the operator of this name orders this.

    `ordered`: as `canonical` returned it.
    """
    return _signer(secret).dumps([name, ordered])


def verify(secret: bytes, text: str, ordered: str) -> str | None:
    """Return the operator's name, or None if nobody with the secret has ordered this just now."""
    try:
        said = _signer(secret).loads(text, max_age=LIFETIME_S)
    except BadSignature:
        return None
    match said:
        case [str(name), str(of)] if of == ordered and is_name(name):
            return name
    return None


def _signer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="operator")
