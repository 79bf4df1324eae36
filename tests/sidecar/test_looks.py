"""When there may be something to read: prompt while it is quiet, cheap while lines pour in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.looks import Looks
from tests.support import eventually


class Case:
    """A file, and who waits for it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "access.log"
        self.file.touch()
        self.ended = threading.Event()
        self.looks = Looks([self.file, folder / "journal.jsonl"], self.ended)

    def write(self) -> None:
        with self.file.open("ab") as file:
            file.write(b"x")

    def write_until_busy(self) -> bool:
        self.write()
        self.looks.wait()
        return self.looks.is_busy()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.ended.set()


def test_lines_that_pour_in_are_not_watched(case: Case) -> None:
    eventually(case.write_until_busy, what="it is too much to watch")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        case.write()
        case.looks.wait()
        assert case.looks.is_busy()


def test_a_log_that_falls_quiet_is_watched_again(case: Case) -> None:
    eventually(case.write_until_busy, what="it is too much to watch")

    def quiet() -> bool:
        case.looks.wait()
        return not case.looks.is_busy()

    eventually(quiet, what="it is watched")


def test_a_change_wakes_whoever_waits(case: Case) -> None:
    case.looks.wait()  # the first only opens the watch
    woken = threading.Event()

    def wait() -> None:
        case.looks.wait()
        woken.set()

    threading.Thread(target=wait, daemon=True).start()
    case.write()
    assert woken.wait(15)


def test_a_missing_folder_is_looked_at_by_the_clock(tmp_path: Path) -> None:
    looks = Looks([tmp_path / "missing" / "access.log"], threading.Event())
    for _ in range(3):
        looks.wait()
    assert not looks.is_busy()
