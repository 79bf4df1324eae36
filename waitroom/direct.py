"""HTTP to what is ours, straight: whatever proxies the environment names, none lies in between."""

from __future__ import annotations

import requests


def session() -> requests.Session:
    """Return a session that goes by no proxy, and by no .netrc."""
    session = requests.Session()
    session.trust_env = False
    return session
