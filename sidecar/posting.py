"""Posting one event to one webhook. Apart from `webhooks`, since to import requests takes 45 ms."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import requests

from waitroom.registry.hosts import Webhook

_TIMEOUT_S = 10


def post(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> None:
    """Send one event. Raises: OSError for what became of it, or it or ValueError for its secret.

    Its text is without the path of the URL, which is the secret of many a chat.
    """
    try:
        status = _post(hook, body, headers)
    except requests.RequestException as error:
        raise OSError(type(error).__name__) from None
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise OSError(f"it answered {status}")


def _post(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> int:
    with requests.Session() as session:
        session.trust_env = True  # the way out may lead through the operator's proxy
        return session.post(
            hook.url,
            data=body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "waitroom-webhook",
                **headers,
                **signature(hook, body, int(time.time())),
            },
            timeout=_TIMEOUT_S,
            allow_redirects=False,  # a POST would become a GET
            stream=True,  # what it says besides is not read, however long it is
        ).status_code


def signature(hook: Webhook, body: bytes, now_s: int) -> dict[str, str]:
    """Sign with the hook's secret: HMAC-SHA256 over `TIME.BODY`, as `t=TIME,v1=HEX`."""
    if hook.secret_file is None:
        return {}
    secret = Path(hook.secret_file).read_bytes().strip()
    if not secret:  # a signature that anybody could make
        raise ValueError(f"{hook.secret_file}: is empty")
    digest = hmac.new(secret, b"%d." % now_s + body, hashlib.sha256).hexdigest()
    return {"X-Waitroom-Signature": f"t={now_s},v1={digest}"}
