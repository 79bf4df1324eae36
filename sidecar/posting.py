"""Posting one event to one webhook. Apart from `webhooks`, since to import requests takes 45 ms."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from waitroom.registry.hosts import Webhook

_TIMEOUT_S = 10


def post(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> None:
    """Send one event. Raises: OSError, for an unreadable secret or as requests has it."""
    with requests.Session() as session:
        session.trust_env = True  # the way out may lead through the operator's proxy
        response = session.post(
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
        )
    if not response.ok or response.is_redirect:
        raise requests.HTTPError(f"it answered {response.status_code}")


def signature(hook: Webhook, body: bytes, now_s: int) -> dict[str, str]:
    """Sign with the hook's secret: HMAC-SHA256 over `TIME.BODY`, as `t=TIME,v1=HEX`."""
    if hook.secret_file is None:
        return {}
    secret = Path(hook.secret_file).read_bytes().strip()
    digest = hmac.new(secret, b"%d." % now_s + body, hashlib.sha256).hexdigest()
    return {"X-Waitroom-Signature": f"t={now_s},v1={digest}"}
