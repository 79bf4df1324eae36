"""From the app's first good answer, to whomever, to the visitor's page in a real browser.

The visitor opens a sleeping host; the page wakes it by itself. The app is there after 0.3 to 6 s,
in an order without a pattern, so that its end meets the page's questions at any moment. When the
app has answered is the app's word, when its page is there the browser's, both by this machine's
clock.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench import figures
from tests.bench.app import App
from tests.bench.figures import Figure, enough, median, percentile
from tests.integration.local import Local
from tests.support import eventually

HOST = (
    "app.localhost"  # a name under which a browser has crypto without TLS, and so may do the work
)
WAKES = enough(30, 1)
STATUS = "/.waitroom/status"
PLENTY = {"wakes_per_day": 10_000, "wakes_per_visitor": 10_000}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def measure() -> Iterator[Figure]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        yield Figure("wake handover", "no chromium here: apt-get install chromium", "< 300 ms")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-wake-")))
        app = stack.enter_context(App(folder / "runs"))
        local = stack.enter_context(closing(Local(folder)))
        local.hosts = {HOST: {**app.keys(), "budget": PLENTY}}
        local.write_hosts()
        local.start("waitroom", "traefik")
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        stack.callback(browser.close)
        yield from _told([_wake(local, app, browser, boot_s) for boot_s in _boots_s()])


def _boots_s() -> list[float]:
    boots_s = [0.3 + 5.7 * number / WAKES for number in range(WAKES)]
    random.Random(9).shuffle(boots_s)  # noqa: S311 - no secret
    return boots_s


@dataclass(frozen=True, slots=True)
class Wake:
    """Milliseconds after the app's first good answer."""

    asked: float  # the page's question met the app: the route is back, and was asked for
    shown: float


def _wake(local: Local, app: App, browser: Browser, boot_s: float) -> Wake:
    app.boot_s = boot_s
    eventually(lambda: _state(local) == "asleep", what="it sleeps")
    page = browser.new_page()
    page.goto(f"http://{HOST}:{local.port}/deep/link")
    page.wait_for_function("() => window.shown", timeout=60_000)
    shown_ms = page.evaluate("() => window.shown")
    page.close()
    good_ms, asked_ms = app.first_good * 1000, app.answered[STATUS] * 1000
    app.end()
    return Wake(asked_ms - good_ms, shown_ms - good_ms)


def _state(local: Local) -> str | None:
    return local.get("/", HOST).headers.get("X-Waitroom")


def _told(wakes: list[Wake]) -> Iterator[Figure]:
    shown_ms = [wake.shown for wake in wakes]
    middle, late = median(shown_ms), percentile(shown_ms, 99)
    name = f"wake handover, {len(wakes)} wakes: first good answer to page"
    yield Figure(f"{name}, median", f"{middle:.0f} ms", "< 300 ms", middle < 300)
    yield Figure(f"{name}, p99", f"{late:.0f} ms", "< 1,000 ms", late < 1000)
    asked = median([wake.asked for wake in wakes])
    yield Figure("of these until the page's question met the app, median", f"{asked:.0f} ms")


if __name__ == "__main__":
    figures.run(measure)
