"""The operators' dashboard in a real browser: login, each action, the live update, for everybody."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.waitroom.fakes import a_host
from tests.waitroom.operated import HOST, Operated
from tests.waitroom.quarter import write_quarter
from waitroom.admin.operators import Role

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "dashboard"


@pytest.fixture
def operated(tmp_path: Path) -> Operated:
    return Operated(tmp_path, a_host(cost_per_hour=0.12, budget={"awake_per_day": "12h"}))


@pytest.fixture
def url(operated: Operated) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, operated.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1440, "height": 900}
    )
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
    path = ARTEFACTS / f"{name}-{'dark' if dark else 'light'}.png"
    page.screenshot(path=path, full_page=True)
    assert found.response["passes"], "axe looked at nothing"
    assert found.violations_count == 0, found.generate_report()


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    with page.expect_navigation():  # or the login page is looked at, and its address taken
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


@pytest.fixture
def recorded(operated: Operated, tmp_path: Path) -> Operated:
    write_quarter(tmp_path, HOST.name, datetime.now(UTC))
    return operated


def test_the_table_says_what_is_left_what_was_saved_and_how_the_last_try_went(
    page: Page, recorded: Operated
) -> None:
    log_in(page, recorded.operators.add("eve", Role.READER))
    expect(page.locator("[data-key=left]")).to_have_text("48 wakes, 12 h 0 min awake")
    expect(page.locator("[data-key=saved]")).to_contain_text("USD")
    expect(page.locator("[data-key=tried]")).to_contain_text(
        re.compile("^(Slept|Sleep called off) 20")
    )
    clean(page, "reader")


@pytest.mark.parametrize(("period", "days"), [("Day", 1), ("Week", 7), ("Quarter", 90)])
def test_a_reader_sees_the_history_of_a_host(
    page: Page, recorded: Operated, period: str, days: int
) -> None:
    log_in(page, recorded.operators.add("eve", Role.READER))
    page.get_by_role("link", name=HOST.name).click()
    page.get_by_role("link", name=period, exact=True).click()
    expect(page.get_by_role("link", name=period, exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    expect(page.get_by_role("img", name=f"When {HOST.name} was awake")).to_be_visible()
    expect(page.get_by_role("img", name=f"Requests to {HOST.name}")).to_be_visible()
    clean(page, f"host-{period.lower()}")
    for table in page.get_by_text("The same as a table").all():
        table.click()
    expect(page.get_by_role("table", name="Hours of each day").get_by_role("row")).to_have_count(
        1 + days
    )
    clean(page, f"host-{period.lower()}-tables")


def test_a_record_that_can_not_be_read_is_told_on_each_page(
    page: Page, recorded: Operated, tmp_path: Path
) -> None:
    for path in (tmp_path / "archive").iterdir():
        path.write_text("{")
    log_in(page, recorded.operators.add("eve", Role.READER))
    expect(page.get_by_role("alert")).to_contain_text("what this month saved is not known")
    clean(page, "hosts-unread")
    page.goto(f"{page.url}hosts/{HOST.name}?period=quarter")
    expect(page.get_by_role("alert")).to_contain_text("no sums are told")
    clean(page, "host-unread")
    page.get_by_role("link", name="Events").last.click()
    clean(page, "events-unread")


def test_periods_lead_to_earlier_and_later_ones(page: Page, recorded: Operated) -> None:
    log_in(page, recorded.operators.add("eve", Role.READER))
    page.goto(f"{page.url}hosts/{HOST.name}?period=week&until=2000-01-31")
    expect(page.get_by_text("2000-01-25 to 2000-01-31")).to_be_visible()
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_text("2000-01-18 to 2000-01-24")).to_be_visible()
    page.get_by_role("link", name="Later").click()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_text("2000-02-01 to 2000-02-07")).to_be_visible()
    expect(page.get_by_text("No wake in this time.")).to_be_visible()


def test_events_are_found_by_host_and_kind_and_day(page: Page, recorded: Operated) -> None:
    log_in(page, recorded.operators.add("eve", Role.READER))
    page.get_by_role("link", name="Events").click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(51)
    clean(page, "events")
    page.get_by_role("link", name="Older events").click()
    expect(rows).to_have_count(51)
    page.get_by_label("Kind").select_option("Sleep called off")
    page.get_by_label("Host").fill(HOST.name)
    page.get_by_role("button", name="Show").click()
    expect(rows.nth(1)).to_contain_text("a visitor came while it drained")
    expect(page.get_by_role("cell", name="Sleep called off")).to_have_count(rows.count() - 1)
    page.get_by_label("Until").fill("2000-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("None was found.")).to_be_visible()


def hidden_of_the_list(page: Page) -> int:
    """Return how many pixels of it are only seen by scrolling sideways."""
    wide = "document.querySelector('.wide')"
    return int(page.evaluate(f"{wide}.scrollWidth - {wide}.clientWidth"))


def test_the_pages_can_be_used_on_a_telephone(page: Page, recorded: Operated) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    log_in(page, recorded.operators.add("ann", Role.OPERATOR))
    for path, name in (
        ("", "hosts"),
        (f"hosts/{HOST.name}?period=week", "host"),
        ("events", "events"),
    ):
        page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        if name != "host":  # whose charts are scrolled
            assert hidden_of_the_list(page) == 0
        clean(page, f"{name}-telephone")


@pytest.mark.parametrize("width", [768, 1024, 1280])
def test_a_tablet_and_a_laptop_show_every_button_of_the_list(
    page: Page, recorded: Operated, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, recorded.operators.add("ann", Role.OPERATOR))
    assert hidden_of_the_list(page) == 0
