"""What an operator is told about his order, from what the sidecar has recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import eventually
from tests.waitroom.operated import HOST, Operated
from waitroom.admin.orders import Outcome
from waitroom.upstreams.base import Phase
from waitroom.view import State

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def outcome(folder: Path, *events: dict[str, Any], after_s: int = 5) -> Outcome:
    ordered = {"kind": "sleep_requested", "by": "ann", "force": False}
    written = {
        str(number): {"at": AT + number * S, "host": HOST.name, **event}
        for number, event in enumerate([ordered, *events])
    }
    old = {"at": AT - S, "host": HOST.name, "kind": "slept"}
    other = {"at": AT + S, "host": "other.test", "kind": "slept"}
    tables = {"hosts": {}, "events": {"90": old, "91": other, **written}}
    operated = Operated(folder)
    (folder / "activity.json").write_bytes(msgspec.json.encode(tables))
    return operated.orders.slept(HOST, AT, AT + after_s * S)


CALLED_OFF = {"kind": "sleep_called_off", "reason": "visitor", "detail": "a visitor came"}


@pytest.mark.parametrize(
    ("events", "after_s", "done", "ok", "text"),
    [
        ([], 5, False, False, "under way"),
        ([], 121, True, False, "nothing came of it"),
        ([{"kind": "sleep_started"}], 121, False, False, "being stopped"),
        ([{"kind": "sleep_started"}], 602, True, False, "nothing came of it"),
        ([{"kind": "sleep_started"}, {"kind": "slept"}], 700, True, True, "sleeps."),
        ([CALLED_OFF], 5, True, False, "a visitor came"),
        ([{"kind": "stop_failed", "detail": "stuck"}], 5, False, False, "stuck; it is tried again"),
        ([{"kind": "sleep_requested", "force": True}, CALLED_OFF], 5, False, False, "under way"),
    ],
)
def test_an_order_to_sleep_ends_with_what_was_recorded_after_it(
    tmp_path: Path,
    events: list[dict[str, Any]],
    after_s: int,
    done: bool,  # noqa: FBT001
    ok: bool,  # noqa: FBT001
    text: str,
) -> None:
    found = outcome(tmp_path, *events, after_s=after_s)
    assert (found.done, found.ok) == (done, ok)
    assert text in found.text


def test_without_records_nothing_is_known(tmp_path: Path) -> None:
    operated = Operated(tmp_path)
    assert not operated.orders.slept(HOST, AT, AT).done
    (tmp_path / "activity.json").write_text("{")
    assert not operated.orders.slept(HOST, AT, AT).done


def test_a_wake_has_ended_a_moment_after_the_app_answers(tmp_path: Path) -> None:
    operated = Operated(tmp_path)
    operated.orders.wake(HOST, "ann")
    eventually(lambda: "takes over in a moment" in operated.orders.woken(HOST).text)
    eventually(lambda: operated.orders.woken(HOST).done)
    assert operated.orders.woken(HOST) == Outcome(done=True, ok=True, text="app.test is awake.")


def test_a_state_begins_anew_after_a_wake_that_nobody_has_watched(tmp_path: Path) -> None:
    operated = Operated(tmp_path)
    house = operated.house
    for _ in range(2):
        operated.orders.wake(HOST, "ann")
        eventually(lambda: house.waker.under_way(HOST.name) is None)
        woken = datetime.now(UTC)
        view = house.room.view(HOST, HOST.name)
        assert (view.state, view.since >= woken) == (State.READY, True)
        house.upstream(HOST).phase = Phase.STOPPED
        house.routes.mark_asleep(HOST.names)
        house.statuses.forget(HOST.name)
