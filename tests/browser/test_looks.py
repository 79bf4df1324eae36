"""How the waiting page looks: every state, small and large, light and dark, for everybody.

Screenshots are left in artefacts/page, for eyes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize

from tests.browser.playroom import Playroom
from waitroom.errors import Reason
from waitroom.registry.branding import DARK_PAPER, LIGHT_PAPER, Branding, paint
from waitroom.view import Refusal, Refused, Stage, State

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "page"
LONG = ".".join(["a-very-long-name-of-an-application"] * 7)
# What only appears late does not move.
MOVING = "document.getAnimations().filter(each => each.effect.getComputedTiming().duration).length"
PHONE = ViewportSize(width=320, height=568)
LAPTOP = ViewportSize(width=1280, height=800)
WALL = ViewportSize(width=3840, height=2160)
LOGO = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 20'%3E%3Cpath fill='%23888' d='M0 0h90v20H0z'/%3E%3C/svg%3E"
BRAND = Branding(
    title="Buku Tamu",
    logo=LOGO,
    light=paint("#ffd400", LIGHT_PAPER),
    dark=paint("#003300", DARK_PAPER),
    messages=(("", "Help: +62 21 555 0100"),),
)


@dataclass(frozen=True)
class Scene:
    """One thing that there is to see."""

    name: str
    room: dict[str, Any]
    path: str = "/"


@dataclass(frozen=True)
class Visitor:
    """How somebody looks at it. Together they have each language with each scheme and script."""

    language: str
    scheme: Literal["light", "dark"]
    script: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}-{'script' if self.script else 'noscript'}"


VISITORS = [
    Visitor("en", "light", script=True),
    Visitor("id", "dark", script=True),
    Visitor("en", "dark", script=False),
    Visitor("id", "light", script=False),
]

SCENES = [
    Scene("asleep-visit", {}),
    Scene("asleep-click", {"automatic": False}),
    Scene("asleep-chess", {"puzzle": True}),
    Scene("board", {"puzzle": True}, "/.waitroom/chess"),
    Scene("unregistered", {"registered": False}),
    Scene("asleep-closed", {"may_wake": False}),
    Scene("waking", {"state": State.WAKING, "stage": Stage.STARTING, "elapsed_s": 9.0}),
    Scene("waking-unknown", {"state": State.WAKING, "expected_s": None, "elapsed_s": 3.0}),
    Scene("waking-long", {"state": State.WAKING, "stage": Stage.ANSWERING, "elapsed_s": 42.0}),
    Scene("ready", {"state": State.READY}),
    Scene("draining", {"state": State.DRAINING}),
    Scene("failed", {"state": State.FAILED, "reason": Reason.FAILED}),
    Scene("unknown", {"state": State.UNKNOWN, "reason": Reason.UNREACHABLE}),
    *[
        Scene(f"refused-{why}", {"refused": Refused(why, datetime(2026, 1, 2, tzinfo=UTC))})
        for why in Refusal
    ],
    Scene("branded", {"automatic": False, "brand": BRAND}),
    Scene("branded-waking", {"state": State.WAKING, "elapsed_s": 9.0, "brand": BRAND}),
    Scene("app-error", {"state": State.READY, "origin_status": 502}),
]


@pytest.fixture(params=SCENES, ids=lambda scene: scene.name)
def scene(request: pytest.FixtureRequest, room: Playroom) -> Scene:
    found: Scene = request.param
    for name, value in found.room.items():
        setattr(room, name, value)
    return found


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[Visitor, BrowserContext]]:
    made = {
        visitor: browser.new_context(
            viewport=LAPTOP,
            reduced_motion="reduce",
            locale=visitor.language,
            color_scheme=visitor.scheme,
        )
        for visitor in VISITORS
    }
    yield made
    for context in made.values():
        context.close()


def opened(context: BrowserContext, url: str) -> Page:
    """Open a page that stays as it is: where it leads on by itself, it is answered with nothing."""
    page = context.new_page()
    page.goto(url)
    page.route("**/*", _leads_nowhere)
    return page


def _leads_nowhere(route: Route) -> None:
    if route.request.is_navigation_request():
        route.fulfill(status=204)
    else:
        route.continue_()


@pytest.mark.parametrize("visitor", VISITORS, ids=str)
def test_no_state_is_hard_to_use_for_anybody(
    contexts: dict[Visitor, BrowserContext], room: Playroom, scene: Scene, visitor: Visitor
) -> None:
    room.scripts = visitor.script
    page = opened(contexts[visitor], room.url + scene.path)
    moving = page.evaluate(MOVING)
    page.evaluate("document.getAnimations().forEach(each => each.finish())")
    page.screenshot(path=ARTEFACTS / f"{scene.name}-{visitor}.png")
    language = page.locator("html").get_attribute("lang")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    page.close()
    assert found.response["passes"], "axe looked at nothing"
    assert found.violations_count == 0, found.generate_report()
    assert language == visitor.language
    assert moving == 0, "somebody who wants no motion gets some"


@pytest.mark.parametrize("size", [PHONE, WALL], ids=["phone", "wall"])
def test_every_state_fits_from_a_small_phone_to_a_wall(
    browser: Browser, room: Playroom, scene: Scene, size: ViewportSize
) -> None:
    room.host = LONG
    context = browser.new_context(viewport=size, locale="id-ID", reduced_motion="reduce")
    page = opened(context, room.url + scene.path)
    page.screenshot(path=ARTEFACTS / f"{scene.name}-{size['width']}.png")
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert wide <= size["width"]
