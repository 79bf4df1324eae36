"""What the waiting page does in a real browser: it wakes, follows, hands over, and never storms."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.playroom import Playroom
from tests.support import eventually
from waitroom.errors import Reason
from waitroom.view import Refusal, Refused, Stage, State

HIDE = """
let hidden = true;
Object.defineProperty(document, "hidden", { get: () => hidden });
Object.defineProperty(document, "visibilityState", { get: () => hidden ? "hidden" : "visible" });
window.reveal = () => { hidden = false; document.dispatchEvent(new Event("visibilitychange")); };
"""
PRERENDER = """
let ahead = true;
Object.defineProperty(document, "prerendering", { get: () => ahead });
window.reveal = () => { ahead = false; document.dispatchEvent(new Event("prerenderingchange")); };
"""

# Notes for how long the page pauses, and does not let it.
PAUSES = """
const later = window.setTimeout;
window.pauses = [];
window.setTimeout = (what, ms) => { if (ms) pauses.push(ms / 1000); return later(what, 5); };
"""


def test_wakes_without_a_click_and_hands_over_with_query_and_fragment(
    page: Page, room: Playroom
) -> None:
    page.goto(f"{room.url}/some/page?a=1&b=2#part")
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token1"]
    room.app_is_back = True
    expect(page.locator("h1")).to_have_text("The app")
    assert page.url == f"{room.url}/some/page?a=1&b=2#part"
    assert room.pages == ["/some/page?a=1&b=2"] * 2


def test_waits_for_the_click_where_the_gate_wants_one(page: Page, room: Playroom) -> None:
    room.automatic = False
    page.clock.install()
    page.goto(room.url)
    page.clock.run_for(60_000)
    assert room.tokens == []
    page.get_by_role("button", name="Wake it up").click()
    expect(page.locator("h1")).to_have_text("Waking up")
    expect(page.locator("button")).to_be_hidden()
    assert room.tokens == ["token1"]


@pytest.mark.parametrize("end", ["", "?q=1"])
def test_without_script_a_button_wakes_and_the_page_looks_again_by_itself(
    browser: Browser, room: Playroom, end: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.url}/page{end}")
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token1"]
    room.app_is_back = True
    expect(page.locator("h1")).to_have_text("The app", timeout=15_000)
    assert room.pages[-1] == f"/page{end}"
    context.close()


def test_without_script_a_link_leads_on_where_a_fragment_stops_the_refresh(
    browser: Browser, room: Playroom
) -> None:
    room.state = State.WAKING
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.url}/page?q=1#part")
    room.app_is_back = True
    page.get_by_role("link", name="Look now").click()
    expect(page.locator("h1")).to_have_text("The app")
    assert room.pages[-1] == "/page?q=1"
    context.close()


def test_without_script_the_button_leads_on_to_a_sign_in_elsewhere(
    browser: Browser, room: Playroom
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.url}/deep")
    with Playroom(app_is_back=True) as elsewhere:
        room.app_is_back, room.sign_in = True, f"{elsewhere.url}/login"
        page.get_by_role("button").click()
        expect(page).to_have_url(f"{elsewhere.url}/login")
    context.close()


def test_follows_the_stages_and_says_each_once(page: Page, room: Playroom) -> None:
    room.state, room.stage, room.expected_s = State.WAKING, Stage.STARTING, None
    page.goto(room.url)
    page.evaluate("""() => {
        window.said = [];
        new MutationObserver(() => said.push(message.textContent))
            .observe(message, { childList: true, characterData: true, subtree: true });
    }""")
    room.stage = Stage.ANSWERING
    expect(page.get_by_role("status").first).to_contain_text("does not answer yet")
    polls = room.polls
    eventually(lambda: room.polls > polls + 1)
    assert page.evaluate("said.length") == 1


def test_shows_how_far_it_is_and_admits_that_it_takes_longer(page: Page, room: Playroom) -> None:
    room.state, room.elapsed_s = State.WAKING, 10
    page.goto(room.url)
    expect(page.locator("#usual")).to_have_text("usually 0:20")
    assert page.evaluate("bar.value") == pytest.approx(0.4, abs=0.1)
    room.elapsed_s, room.late_s = 21, 40
    expect(page.locator("#message")).to_contain_text("seldom more than about 40 seconds")
    assert page.evaluate("bar.value") == pytest.approx(0.81, abs=0.03)
    room.elapsed_s = 41
    expect(page.locator("#usual")).to_have_text("longer than usual")
    assert page.evaluate("bar.value") == 0.95
    expect(page.locator("#message")).to_contain_text("this time it takes longer")


def test_a_spent_budget_is_said_in_the_visitors_own_time(browser: Browser, room: Playroom) -> None:
    room.refused = Refused(Refusal.SPENT, datetime(2026, 1, 2, 17, 0, tzinfo=UTC))
    context = browser.new_context(locale="id-ID", timezone_id="Asia/Jakarta")
    page = context.new_page()
    page.goto(room.url)
    expect(page.locator("h1")).to_have_text("Anggarannya sudah habis")
    expect(page.locator("#message")).to_contain_text("Sabtu")
    expect(page.locator("#message")).to_contain_text("00.00 WIB")
    context.close()


def test_without_script_the_time_is_said_as_utc(browser: Browser, room: Playroom) -> None:
    room.refused = Refused(Refusal.HOURS, datetime(2026, 1, 2, 17, 0, tzinfo=UTC))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(room.url)
    expect(page.locator("#message")).to_contain_text("2026-01-02 17:00 UTC")
    expect(page.locator("button")).to_have_count(0)
    context.close()


def test_a_page_that_was_refused_wakes_when_it_may_again(page: Page, room: Playroom) -> None:
    room.refused = Refused(Refusal.HOURS)
    page.goto(room.url)
    expect(page.locator("h1")).to_have_text("Outside its hours")
    assert room.tokens == []
    room.refused = None
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token2"]


def test_a_budget_that_is_spent_meanwhile_takes_the_button_away(page: Page, room: Playroom) -> None:
    room.automatic = False
    page.goto(room.url)
    room.refused = Refused(Refusal.SPENT)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("h1")).to_have_text("The budget is spent")
    expect(page.locator("button")).to_be_hidden()


def test_a_wake_that_can_not_be_is_asked_for_once_and_the_page_says_why(
    page: Page, room: Playroom
) -> None:
    room.automatic = False
    page.goto(room.url)
    room.refused, room.wakes = Refused(Refusal.FAULT), [503]
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Out of order")
    expect(page.locator("#message")).to_contain_text("can't write down what it does")
    expect(page.locator("button")).to_be_hidden()
    assert room.tokens == ["token1"]


def test_who_came_when_too_many_were_being_woken_wakes_it_as_soon_as_it_may_be(
    page: Page, room: Playroom
) -> None:
    room.automatic = False
    page.goto(room.url)
    room.refused, room.wakes = Refused(Refusal.BUSY), [429]
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("One moment")
    room.refused, room.automatic = None, True
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token1", "token2"]


def test_title_and_icon_change_when_it_is_ready(page: Page, room: Playroom) -> None:
    room.state = State.WAKING
    page.goto(room.url)
    expect(page).to_have_title("Waking up · app.example.com")
    icon = page.locator("#icon").get_attribute("href")
    room.state = State.READY
    expect(page).to_have_title("✓ Ready · app.example.com")
    assert page.locator("#icon").get_attribute("href") != icon


def test_passing_faults_of_the_proxy_are_waited_out(page: Page, room: Playroom) -> None:
    room.state, room.expected_s = State.WAKING, None
    room.faults = [502, 503, 504]
    page.goto(room.url)
    eventually(lambda: not room.faults)
    assert len(room.pages) == 1
    room.app_is_back = True
    expect(page.locator("h1")).to_have_text("The app")


def test_a_lost_connection_is_said_and_waited_out(page: Page, room: Playroom) -> None:
    room.state, room.expected_s, room.broken = State.WAKING, None, True
    page.goto(room.url)
    expect(page.locator("#trouble")).to_contain_text("no connection", timeout=15_000)
    room.broken = False
    expect(page.locator("#trouble")).to_be_empty()
    assert len(room.pages) == 1


def test_a_wake_that_the_apps_dead_route_swallowed_is_posted_again(
    page: Page, room: Playroom
) -> None:
    room.wakes = [503, 503]
    page.goto(room.url)
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token1"] * 3


def test_a_refused_token_reloads_once_and_then_asks_the_visitor(page: Page, room: Playroom) -> None:
    room.wakes = [403] * 10
    page.clock.install()
    page.goto(room.url)
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    page.clock.run_for(50_000)
    assert len(room.pages) == 2
    assert room.tokens == ["token1", "token2"]


def test_a_refused_token_is_forgotten_if_the_host_wakes_all_the_same(
    page: Page, room: Playroom
) -> None:
    room.automatic = False
    page.goto(room.url)
    room.state, room.wakes = State.WAKING, [403]
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Waking up")
    assert len(room.pages) == 1


def test_trying_again_after_a_failure_gets_itself_a_new_token(page: Page, room: Playroom) -> None:
    page.goto(room.url)
    expect(page.locator("h1")).to_have_text("Waking up")
    room.state, room.reason, room.wakes = State.FAILED, Reason.TIMEOUT, [403]
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_have_text("Waking up")
    assert room.tokens == ["token1", "token1", "token2"]


def test_wakes_what_fell_asleep_right_after_the_page_was_made(page: Page, room: Playroom) -> None:
    room.state = State.WAKING
    page.goto(room.url)
    room.state = State.ASLEEP
    expect(page.locator("h1")).to_have_text("Waking up")
    eventually(lambda: room.tokens == ["token1"])


def test_wakes_by_itself_only_once(page: Page, room: Playroom) -> None:
    page.goto(room.url)
    eventually(lambda: room.tokens == ["token1"])
    for state in (State.FAILED, State.ASLEEP):
        room.state = state
        before = room.polls
        eventually(lambda before=before: room.polls > before + 1, what="it has looked again")
    assert room.tokens == ["token1"]


def test_a_failure_is_never_woken_without_a_click(page: Page, room: Playroom) -> None:
    room.state, room.reason = State.FAILED, Reason.FAILED
    page.clock.install()
    page.goto(room.url)
    page.clock.run_for(60_000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert room.tokens == []


def test_who_may_not_wake_sees_who_else_did(page: Page, room: Playroom) -> None:
    room.may_wake = False
    page.goto(room.url)
    expect(page.get_by_text("can't be woken from this page")).to_be_visible()
    room.state = State.WAKING
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("h1")).to_have_text("Waking up")
    expect(page.get_by_text("can't be woken from this page")).to_be_hidden()


@pytest.mark.parametrize("script", [HIDE, PRERENDER], ids=["hidden", "prerendered"])
def test_a_page_that_nobody_sees_wakes_nothing(page: Page, room: Playroom, script: str) -> None:
    page.add_init_script(script)
    page.clock.install()
    page.goto(room.url)
    page.clock.run_for(600_000)
    assert (room.tokens, room.polls) == ([], 0)
    page.evaluate("reveal()")
    expect(page.locator("h1")).to_have_text("Waking up")


def test_a_hidden_tab_asks_seldom(page: Page, room: Playroom) -> None:
    room.state = State.WAKING
    page.add_init_script(HIDE)
    page.clock.install()
    page.goto(room.url)
    page.clock.run_for(60_000)
    assert room.polls <= 7


@pytest.mark.parametrize(
    ("elapsed_s", "least_s", "most_s"),
    [
        (1, 2.5, 3.5),
        (10, 2.5, 3.5),
        (50, 1, 1.5),
        (59, 0.2, 0.3),
        (85, 0.2, 0.3),
        (92, 0.2, 0.3),
        (100, 0.8, 1.2),
    ],
)
def test_asks_seldom_while_the_end_is_far_and_often_near_it(
    page: Page, room: Playroom, elapsed_s: float, least_s: float, most_s: float
) -> None:
    room.state, room.elapsed_s = State.WAKING, elapsed_s
    room.expected_s, room.late_s = 60.0, 90.0
    page.add_init_script(PAUSES)
    page.goto(room.url)
    eventually(lambda: room.polls > 5)
    pauses = page.evaluate("pauses")
    assert least_s < min(pauses) < most_s, pauses  # those after a slow answer are longer


def test_who_is_answered_slowly_asks_less_often(page: Page, room: Playroom) -> None:
    room.state, room.elapsed_s, room.expected_s = State.WAKING, 70, 60.0
    room.delay_s = 0.6
    page.add_init_script(PAUSES)
    page.goto(room.url)
    eventually(lambda: room.polls > 3)
    assert all(pause_s > 2 for pause_s in page.evaluate("pauses")[1:])


def test_the_apps_own_error_is_shown_and_not_reloaded(page: Page, room: Playroom) -> None:
    room.state, room.origin_status = State.READY, 502
    page.clock.install()
    page.goto(f"{room.url}/?q=1#part")
    page.clock.run_for(600_000)
    assert (room.polls, room.tokens, room.pages) == (0, [], ["/?q=1"])
    expect(page.locator("#message")).to_contain_text("error 502")
    room.app_is_back = True
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("h1")).to_have_text("The app")
    assert page.url == f"{room.url}/?q=1#part"


def test_a_route_that_does_not_switch_is_asked_about_once_a_minute(
    page: Page, room: Playroom
) -> None:
    room.state = State.READY
    page.clock.install()
    page.goto(room.url)
    for _poll in range(20):  # at least 24 s, less than a minute
        polls = room.polls
        page.clock.run_for(1200)
        eventually(partial(_more_polls, room, polls))
    assert len(room.pages) == 2


def test_a_header_that_is_lost_on_the_way_makes_no_storm(page: Page, room: Playroom) -> None:
    """Each answer looks as if the app had given it; a reload every five seconds may be."""
    room.state, room.headerless = State.WAKING, True
    room.expected_s = None  # it asks four times a second then, so this takes one and a half
    began = time.monotonic()
    page.goto(room.url)
    eventually(lambda: len(room.pages) == 2)
    eventually(lambda: room.polls > 6)
    reloads = len(room.pages) - 1
    assert reloads <= 1 + (time.monotonic() - began) // 5  # one, unless the machine is slow


def test_speaks_the_visitors_language(browser: Browser, room: Playroom) -> None:
    context = browser.new_context(locale="id-ID")
    page = context.new_page()
    page.goto(room.url)
    expect(page.locator("h1")).to_have_text("Sedang dibangunkan")
    expect(
        page.get_by_text("Anda sekarang berada di antrian, terima kasih telah menunggu.")
    ).to_be_visible()
    context.close()


def test_works_where_the_browser_keeps_nothing(context: BrowserContext, room: Playroom) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked') } })"
    )
    page = context.new_page()
    room.wakes = [403] * 10
    page.goto(room.url)
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    assert len(room.pages) == 1
    room.app_is_back = True
    expect(page.locator("h1")).to_have_text("The app", timeout=15_000)


def _more_polls(room: Playroom, seen: int) -> bool:
    return room.polls > seen
