"""Hosts that were found stopped."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support import no_threads
from tests.waitroom.fakes import a_host
from tests.waitroom.house import House
from traefik.folder import Shadow
from waitroom.found_stopped import FoundStopped

HOST = a_host(route="own")


def test_a_visitor_whose_shadow_gets_no_thread_holds_up_nobody_else(tmp_path: Path) -> None:
    house = House(tmp_path)
    found_stopped = FoundStopped(house.upstream, house.routes, house.journal, house.locks)
    with no_threads(), pytest.raises(RuntimeError):
        found_stopped.shadow_soon(HOST)
    found_stopped.shadow(HOST)
    assert house.routes.shadow(HOST.name) is Shadow.ASLEEP


def test_a_journal_that_can_not_be_written_is_said_and_the_shadow_stands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path)
    found_stopped = FoundStopped(house.upstream, house.routes, house.journal, house.locks)
    (tmp_path / "journal.jsonl").mkdir()
    with caplog.at_level(logging.ERROR):
        found_stopped.shadow_soon(HOST)
    assert f"{HOST.name}: was found stopped: " in caplog.text
    assert "journal.jsonl" in caplog.text
    assert house.routes.shadow(HOST.name) is Shadow.ASLEEP
