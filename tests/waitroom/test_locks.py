from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from waitroom.locks import HostLocks


def test_is_busy_while_somebody_holds_it(tmp_path: Path) -> None:
    locks = HostLocks(tmp_path)
    with locks.hold("app.test") as ours:
        assert ours
        assert locks.busy("app.test")
        with locks.hold("app.test", wait_s=0.0) as also:
            assert not also
    assert not locks.busy("app.test")


def test_those_who_only_ask_do_not_take_each_other_for_busy(tmp_path: Path) -> None:
    locks = HostLocks(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: locks.busy("app.test"), range(2000)))
    assert not any(answers)
