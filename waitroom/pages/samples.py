"""A view of a host for everything that the page can show: for previews, `check` and tests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from waitroom.errors import Reason
from waitroom.view import Refusal, Refused, Stage, State, View

_TOOK_S, _LATE_S = 20.0, 45.0


def samples(host: str, now: datetime) -> Mapping[str, View]:
    """Return the views by a name that says what they show."""
    plain = {"host": host, "since": now, "expected_s": _TOOK_S, "late_s": _LATE_S}

    def view(state: State, **more: object) -> View:
        return View(state=state, **{**plain, **more})  # type: ignore[arg-type]  # the tests' looks check it

    return {
        "asleep": view(State.ASLEEP),
        **{
            f"waking-{stage}": view(State.WAKING, stage=stage, elapsed_s=_TOOK_S / 2)
            for stage in Stage
        },
        "waking-late": view(State.WAKING, stage=Stage.ANSWERING, elapsed_s=2 * _LATE_S),
        "waking-first": view(State.WAKING, expected_s=None, late_s=None, elapsed_s=3.0),
        "ready": view(State.READY),
        "draining": view(State.DRAINING),
        **{f"failed-{reason}": view(State.FAILED, reason=reason) for reason in Reason},
        "unknown": view(State.UNKNOWN, reason=Reason.UNREACHABLE),
        **{
            f"refused-{why}": view(State.ASLEEP, refused=Refused(why, _until(why, now)))
            for why in Refusal
        },
    }


def _until(why: Refusal, now: datetime) -> datetime | None:
    unknown = why in (Refusal.CLOSED, Refusal.BUSY, Refusal.FAULT)
    return None if unknown else now + timedelta(hours=8)
