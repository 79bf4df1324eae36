"""Traps: what no person asks for. Who does wakes nothing for an hour.

A link on the page that no person sees, and paths that scanners try on every host they find. Who
steps in gets a tiny answer that costs nothing, and is remembered in memory only, under a pseudonym.
Pure but for what it remembers; `now_s` is any clock that only goes forward.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from waitroom.gate.gate import Facts

# The link on the page. robots.txt is not asked, nor does the page want it followed.
LINK = "/.waitroom/archive"
_PATHS = (
    LINK, "/.env", "/.git/", "/.svn/", "/.aws/", "/.ssh/", "/.vscode/", "/.DS_Store",
    "/wp-login.php", "/wp-config", "/wp-admin/setup-config.php", "/xmlrpc.php", "/phpinfo.php",
    "/phpmyadmin", "/phpMyAdmin", "/vendor/phpunit/", "/cgi-bin/", "/boaform/", "/HNAP1",
    "/actuator/env", "/solr/admin", "/manager/html", "/server-status", "/_ignition/",
)  # fmt: skip
_HELD_S = 3600.0
# One who comes from everywhere pushes out those he pushed in before.
_MOST = 10_000


def springs(facts: Facts) -> bool:
    """Whether only those make this request who look for a way in.

    No page elsewhere may trap its visitors by asking in their name.
    """
    own = facts.dest in ("", "document") and not facts.is_foreign
    return own and facts.path.startswith(_PATHS)


class Traps:
    """Who has stepped in. Threads: any may call."""

    def __init__(self) -> None:
        self._caught = 0
        self._lock = threading.Lock()
        self._held: OrderedDict[str, float] = OrderedDict()  # pseudonym -> when it is let go

    def catch(self, pseudonym: str, now_s: float) -> int:
        """Remember him for an hour from now. Return how often anybody was, since the start."""
        with self._lock:
            self._caught += 1
            self._held[pseudonym] = now_s + _HELD_S
            self._held.move_to_end(pseudonym)
            if len(self._held) > _MOST:
                self._held.popitem(last=False)
            return self._caught

    def left_s(self, pseudonym: str, now_s: float) -> float:
        """Return for how much longer he is held; 0: he is not."""
        return max(0.0, self._held.get(pseudonym, 0.0) - now_s)
