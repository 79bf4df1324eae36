"""Each gate in a real browser, with script and without, against the real waiting room."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Frame, Page, expect

from tests.integration.local import HOST, Local
from tests.support import eventually
from waitroom.gate import chess

SECURE = "app.localhost"  # a browser takes it for safe, and gives it crypto
Room = Callable[..., Local]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A waiting room with one sleeping host, whose keys the test gives."""
    stacks: list[Local] = []

    def make(**keys: Any) -> Local:
        stack = Local(tmp_path, aliases=[SECURE], **keys)
        stacks.append(stack)
        hold = tmp_path / "hold"  # while it is there, nothing starts
        start = " ".join(map(shlex.quote, stack.app_command("start")))
        waiting = f"while test -e {hold}; do sleep .05; done; exec {start}"
        stack.hosts[HOST]["command"]["start"] = ["sh", "-c", waiting]
        stack.write_hosts()
        stack.start("waitroom", "traefik")
        # HEAD, as a GET would wake an open host.
        eventually(lambda: stack.get(method="HEAD").headers.get("X-Waitroom") == "asleep")
        return stack

    yield make
    for stack in stacks:
        (tmp_path / "hold").unlink(missing_ok=True)
        stack.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a tab on a host; the scripts in it may not fail."""
    pages: list[Page] = []
    faults: list[str] = []

    def go(room: Local, path: str = "/", *, host: str = SECURE, script: bool = True) -> Page:
        context = browser.new_context(java_script_enabled=script, locale="en-GB")
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://{host}:{room.port}{path}")
        return page

    yield go
    for page in pages:
        page.context.close()
    assert not faults


def wakes(room: Local, kind: str = "wake_requested") -> list[dict[str, Any]]:
    events = map(
        msgspec.json.decode, filter(None, (room.data / "journal.jsonl").read_bytes().split(b"\n"))
    )
    return [event for event in events if event["kind"] == kind]


def hold(room: Local) -> None:
    (room.data / "hold").touch()


def let_go(room: Local) -> None:
    (room.data / "hold").unlink()


def in_the_app(page: Page) -> None:
    expect(page).to_have_title(re.compile("is awake$"))


def board(frame: Frame | Page) -> dict[str, str]:
    """What stands where, as it is read out."""
    named = frame.locator(".board button").evaluate_all("all => all.map(b => b.ariaLabel)")
    pairs = [name.split(", ") for name in named]
    return {square: piece for square, piece in pairs if piece != "empty"}


def solution(frame: Frame | Page) -> tuple[str, str]:
    """Find the puzzle on the board among all."""
    drawn = board(frame)
    for number in range(chess.count()):
        puzzle = chess.puzzle(number)
        if {s.name: chess.PIECES[s.piece][1] for s in puzzle.squares() if s.piece} == drawn:
            return puzzle.move[:2], puzzle.move[2:]
    raise AssertionError(drawn)


def game(page: Page) -> Frame:
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame
    expect(frame.locator(".board button")).to_have_count(64)
    return frame


def press(frame: Frame | Page, square: str) -> None:
    frame.locator(f'.board button[value="{square}"]').click()


def test_a_visit_wakes_without_a_click_by_work(room: Room, visit: Callable[..., Page]) -> None:
    stack = room(gate="visit", work=200)
    in_the_app(visit(stack, "/?a=1#part"))
    assert [wake["proof"] for wake in wakes(stack)] == ["work"]


def test_without_https_a_visit_is_a_button_and_a_moment_of_patience(
    room: Room, visit: Callable[..., Page]
) -> None:
    stack = room(gate="visit")
    page = visit(stack, host=HOST)
    button = page.get_by_role("button", name="Wake it up")
    expect(button).to_be_visible()
    expect(page.locator("#queue")).to_be_hidden()
    assert not wakes(stack)
    button.click()
    in_the_app(page)
    assert [wake["proof"] for wake in wakes(stack)] == ["wait"]


@pytest.mark.parametrize("gate", ["visit", "click"])
def test_without_script_the_button_comes_late_and_wakes(
    room: Room, visit: Callable[..., Page], gate: str
) -> None:
    stack = room(gate=gate)
    page = visit(stack, "/?q=1", script=False)
    asked = time.monotonic()
    expect(page.locator("#queue")).to_be_hidden()
    page.get_by_role("button", name="Wake it up").click()  # waits until it can be seen
    assert time.monotonic() - asked > 1
    in_the_app(page)
    assert page.url.endswith("/?q=1")
    assert [wake["proof"] for wake in wakes(stack)] == ["wait"]


def test_a_click_wakes_by_work_and_nothing_else_does(
    room: Room, visit: Callable[..., Page]
) -> None:
    stack = room(gate="click", work=200)
    page = visit(stack)
    polls = []
    page.on("request", lambda asked: polls.append(asked.url))
    eventually(lambda: page.wait_for_timeout(50) or polls, what="the page looks")
    assert not wakes(stack)
    page.get_by_role("button", name="Wake it up").click()
    in_the_app(page)
    assert [wake["proof"] for wake in wakes(stack)] == ["work"]


def test_a_mate_wakes(room: Room, visit: Callable[..., Page], *, script: bool) -> None:
    stack = room(gate="chess")
    page = visit(stack, "/?deep=1", script=script)
    expect(page.get_by_role("button", name="Wake it up")).to_have_count(0)
    frame: Frame | Page = game(page)
    start, end = solution(frame)
    press(frame, start)
    if not script:  # from here on it is the whole page
        page.wait_for_url("**/.waitroom/chess")
        frame = page
    expect(frame.locator(f'button[value="{start}"]')).to_have_attribute("aria-pressed", "true")
    press(frame, end)
    in_the_app(page)
    assert page.url.endswith("/?deep=1")
    assert [wake["proof"] for wake in wakes(stack)] == ["chess"]


def test_three_wrong_moves_bring_another_puzzle_and_no_wake(
    room: Room, visit: Callable[..., Page]
) -> None:
    stack = room(gate="chess")
    page = visit(stack, "/.waitroom/chess")
    before = board(page)
    start, end = solution(page)
    wrong = next(s for s in ("a5", "e5", "h5", "c4") if s not in before and s != end)
    for said in ("try again", "try again", "another puzzle"):
        press(page, start)
        expect(page.get_by_role("status")).to_contain_text("choose its square")
        press(page, wrong)
        expect(page.get_by_role("status")).to_contain_text(said)
    assert board(page) != before
    assert not wakes(stack)


def test_who_waits_can_play_on_from_puzzle_to_puzzle_without_a_reload(
    room: Room, visit: Callable[..., Page]
) -> None:
    stack = room(gate="visit", work=1)
    hold(stack)
    page = visit(stack)
    loads = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    expect(page.locator("h1")).to_have_text("Waking up")
    page.get_by_text("Your move: chess while you wait").click()
    frame = game(page)
    loads.clear()
    for _ in range(2):
        before = board(frame)
        for square in solution(frame):
            press(frame, square)
        expect(frame.get_by_role("status")).to_contain_text("Mate! Here is another puzzle.")
        eventually(lambda before=before: page.wait_for_timeout(20) or board(frame) != before)
    assert not loads
    let_go(stack)
    in_the_app(page)


def test_the_board_is_for_keyboards_and_ears_too(room: Room, visit: Callable[..., Page]) -> None:
    stack = room(gate="chess")
    page = visit(stack, "/.waitroom/chess")
    start, end = solution(page)
    named = page.locator(f'button[value="{start}"]').get_attribute("aria-label")
    assert named
    assert named.startswith(f"{start}, ")
    assert named.partition(", ")[2] in {name for _, name in chess.PIECES.values()}
    order = page.locator(".board button").evaluate_all("all => all.map(b => b.value)")
    page.locator(".board button").first.focus()
    at = 0
    for square in (start, end):
        while at != order.index(square):
            step = order.index(square) - at
            key, moved = (
                ("ArrowDown", 8)
                if step >= 8
                else ("ArrowUp", -8)
                if step <= -8
                else ("ArrowRight", 1)
                if step > 0
                else ("ArrowLeft", -1)
            )
            page.keyboard.press(key)
            at += moved
        page.keyboard.press("Enter")
        if square == start:
            expect(page.locator(f'button[value="{start}"]')).to_be_focused()
            expect(page.locator(f'button[value="{start}"]')).to_have_attribute(
                "aria-pressed", "true"
            )
    in_the_app(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_can_be_used_by_everybody(room: Room, browser: Browser, scheme: Any) -> None:
    stack = room(gate="chess")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 700})
    page = context.new_page()
    page.goto(f"http://{SECURE}:{stack.port}/")
    game(page)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == [], found.generate_report()
    page.goto(f"http://{SECURE}:{stack.port}/.waitroom/chess")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_an_open_host_wakes_for_the_request_itself(room: Room, visit: Callable[..., Page]) -> None:
    stack = room(gate="open")
    in_the_app(visit(stack, script=False))
    assert [wake["proof"] for wake in wakes(stack)] == ["trust"]


def test_a_closed_host_offers_nothing(
    room: Room, visit: Callable[..., Page], *, script: bool
) -> None:
    page = visit(room(gate="closed"), script=script)
    expect(page.locator("h1")).to_have_text("Closed")
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.locator("iframe")).to_have_count(0)
