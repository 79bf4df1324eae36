"""A real chromium, and a waiting room for it that does what the test says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.playroom import Playroom
from tests.support import missing

_ARGUMENTS = [
    "--no-sandbox",  # CI is root in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP app.test 127.0.0.1",  # a name that is not safe as *.localhost is
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        missing("chromium (apt-get install chromium)")
    expect.set_options(timeout=20_000)  # a busy machine is no fault of the page
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def room() -> Iterator[Playroom]:
    with Playroom() as room:
        yield room


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, room: Playroom) -> Iterator[Page]:
    """Open a tab that may ask nobody but the room, and in which no script may fail."""
    page = context.new_page()
    faults: list[str] = []

    def note(said: ConsoleMessage) -> None:
        # That an answer is a 503 is no fault: the waiting page is one.
        if said.type == "error" and not said.text.startswith("Failed to load resource"):
            faults.append(said.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda asked: faults.append(asked.url) if not asked.url.startswith(room.url) else None,
    )
    yield page
    page.close()
    assert [fault for fault in faults if not fault.startswith("data:image/svg")] == []
