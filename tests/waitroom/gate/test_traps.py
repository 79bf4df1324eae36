from __future__ import annotations

import pytest

from waitroom.gate.gate import Facts
from waitroom.gate.traps import LINK, Traps, springs


@pytest.mark.parametrize("path", [LINK, "/.env", "/.env.bak", "/.git/config", "/wp-login.php?x=1"])
def test_what_only_scanners_ask_for_is_a_trap(path: str) -> None:
    assert springs(Facts(path=path))


@pytest.mark.parametrize("path", ["/", "/.waitroom/status", "/login", "/env", "/.well-known/x"])
def test_what_a_person_asks_for_is_none(path: str) -> None:
    assert not springs(Facts(path=path))


def test_no_other_page_traps_its_visitors() -> None:
    assert not springs(Facts(path="/.env", dest="image", mode="no-cors", site="cross-site"))
    assert not springs(Facts(path="/.env", dest="document", mode="navigate", site="cross-site"))
    assert not springs(Facts(path="/.env", dest="document", mode="navigate", site="same-site"))


def test_one_is_held_for_an_hour_from_the_last_time() -> None:
    traps = Traps()
    assert traps.left_s("ann", 0.0) == 0
    assert traps.catch("ann", 100.0) == 1
    assert traps.catch("ann", 200.0) == 2
    assert traps.left_s("ann", 300.0) == 3500
    assert traps.left_s("ann", 3800.0) == 0
    assert traps.left_s("bob", 300.0) == 0


def test_who_comes_from_everywhere_fills_no_memory() -> None:
    traps = Traps()
    for i in range(20_000):
        traps.catch(str(i), 0.0)
    assert traps.left_s("0", 1.0) == 0
    assert traps.left_s("19999", 1.0) > 0
    assert len(traps._held) == 10_000  # noqa: SLF001 - nothing outside can see it
