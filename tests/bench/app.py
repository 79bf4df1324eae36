"""An app inside the benchmark, so that it knows when it was asked; a file says whether it runs.

Its upstream is `touch` and `rm`: what a provider takes is no figure of ours.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.bench.served import Handler, Server

# `shown` is the browser's own word on when the visitor sees it. The icon is here, as else the
# browser asks for one.
_PAGE = b"""<!doctype html><title>The app</title><link rel=icon href='data:,'><h1>The app</h1>
<script>addEventListener("DOMContentLoaded", () => { window.shown = Date.now() })</script>
"""


def switched_by(mark: Path) -> dict[str, list[str]]:
    """Return the `command` of an upstream that runs while a file exists."""
    name = str(mark)
    return {"start": ["touch", name], "stop": ["rm", "-f", name], "status": ["test", "-e", name]}


class App(Server):
    """Answers 503 until it has run for `boot_s`."""

    def __init__(self, mark: Path) -> None:
        super().__init__(_Handler)
        self.mark = mark
        self.boot_s = 0.0
        # time.time() of its first good answer for each path
        self.answered: dict[str, float] = {}

    @property
    def first_good(self) -> float:
        return min(self.answered.values())

    def keys(self) -> dict[str, Any]:
        """Return its keys of hosts.yaml."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {"command": switched_by(self.mark), "url": url, "work": 2}

    def is_up(self) -> bool:
        try:
            return time.time() - self.mark.stat().st_mtime >= self.boot_s
        except FileNotFoundError:
            return False

    def end(self) -> None:
        """End it by hand."""
        self.mark.unlink()
        self.answered.clear()


class _Handler(Handler):
    def do_GET(self) -> None:  # noqa: N802 - the name that http.server asks for
        app = self.server
        assert isinstance(app, App)
        up = app.is_up()
        self.answer(200 if up else 503, "text/html", _PAGE)
        if up:
            app.answered.setdefault(self.path, time.time())
