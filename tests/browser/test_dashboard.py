"""The operators' dashboard in a real browser: login, each action, the live update, for everybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.waitroom.operated import HOST, Operated
from waitroom.operators import Role

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "dashboard"


@pytest.fixture
def operated(tmp_path: Path) -> Operated:
    return Operated(tmp_path)


@pytest.fixture
def url(operated: Operated) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, operated.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(color_scheme=request.param)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((url, "data:")) else faults.append(asked.url),
    )
    page.goto(url)
    yield page
    context.close()
    assert faults == []


def clean(page: Page, name: str) -> None:
    """Look with axe, and leave a screenshot."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.screenshot(path=ARTEFACTS / f"{name}-{'dark' if dark else 'light'}.png")
    assert found.response["passes"], "axe looked at nothing"
    assert found.violations_count == 0, found.generate_report()


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_an_operator_logs_in_and_acts(page: Page, operated: Operated) -> None:
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("This token is not one of ours.")
    clean(page, "login")
    log_in(page, operated.operators.add("ann", Role.OPERATOR))
    expect(page.locator("[data-key=state]")).to_have_text("asleep")
    clean(page, "hosts")
    said = page.get_by_role("status")
    page.get_by_role("button", name=f"Keep awake {HOST.name}").click()
    expect(said).to_contain_text("is kept awake until")
    page.get_by_role("button", name=f"Release {HOST.name}").click()
    expect(said).to_contain_text("is kept awake no more")
    page.get_by_role("button", name=f"Wake {HOST.name}", exact=True).click()
    expect(said).to_contain_text("is being woken")
    expect(page.locator("[data-key=state]")).to_have_text("ready")
    page.get_by_role("button", name=f"Sleep {HOST.name}", exact=True).click()
    expect(said).to_contain_text("is being put to sleep")
    page.get_by_text("By force").click()
    page.get_by_placeholder("Reason").fill("it costs")
    page.get_by_role("button", name=f"Force to sleep {HOST.name}").click()
    expect(said).to_contain_text("is being put to sleep")
    kinds = [(e["kind"], e["by"], e.get("reason")) for e in operated.journal.events() if "by" in e]
    assert kinds == [
        ("kept", "ann", None),
        ("released", "ann", None),
        ("wake_requested", "ann", None),
        ("sleep_requested", "ann", None),
        ("sleep_requested", "ann", "it costs"),
    ]
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Token")).to_be_visible()


def test_cells_change_by_themselves_and_what_is_typed_stays(page: Page, operated: Operated) -> None:
    log_in(page, operated.operators.add("ann", Role.OPERATOR))
    page.get_by_text("By force").click()
    page.get_by_placeholder("Reason").fill("half a rea")
    operated.house.routes.hand_over(HOST.name)
    expect(page.locator("[data-key=state]")).to_have_text("ready")
    expect(page.get_by_placeholder("Reason")).to_have_value("half a rea")


def test_a_reader_sees_and_acts_not(page: Page, operated: Operated) -> None:
    log_in(page, operated.operators.add("eve", Role.READER))
    expect(page.locator("[data-key=state]")).to_have_text("asleep")
    expect(page.get_by_role("button")).to_have_count(1)  # to log out
