"""How the waiting page looks: every state, small and large, light and dark, for everybody.

Screenshots are left in artefacts/page, for eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.playroom import Playroom
from waitroom.branding import DARK_PAPER, LIGHT_PAPER, Branding, paint
from waitroom.errors import Reason
from waitroom.view import Refusal, Refused, Stage, State

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "page"
LONG = ".".join(["a-very-long-name-of-an-application"] * 7)
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


@dataclass
class Scene:
    """One thing that the page can show."""

    name: str
    room: dict[str, Any]


SCENES = [
    Scene("asleep-click", {"automatic": False}),
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
def scene(request: pytest.FixtureRequest, room: Playroom) -> str:
    for name, value in request.param.room.items():
        setattr(room, name, value)
    return str(request.param.name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_state_is_hard_to_use_for_anybody(
    browser: Browser, room: Playroom, scene: str, scheme: str
) -> None:
    page = _open(browser, room, viewport=LAPTOP, color_scheme=scheme, reduced_motion="reduce")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    page.screenshot(path=ARTEFACTS / f"{scene}-{scheme}.png")
    page.context.close()
    assert found.response["passes"], "axe looked at nothing"
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("size", [PHONE, WALL], ids=["phone", "wall"])
def test_every_state_fits_from_a_small_phone_to_a_wall(
    browser: Browser, room: Playroom, scene: str, size: ViewportSize
) -> None:
    room.host = LONG
    page = _open(browser, room, viewport=size, locale="id-ID", reduced_motion="reduce")
    page.screenshot(path=ARTEFACTS / f"{scene}-{size['width']}.png")
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert wide <= size["width"]


def test_nothing_moves_for_those_who_want_no_motion(
    browser: Browser, room: Playroom, scene: str
) -> None:
    page = _open(browser, room, viewport=LAPTOP, reduced_motion="reduce")
    moving = page.evaluate("document.getAnimations().length")
    page.context.close()
    assert moving == 0, scene


def _open(browser: Browser, room: Playroom, **settings: Any) -> Page:
    page = browser.new_context(**settings).new_page()
    page.goto(room.url)
    return page
