"""The dashboard: a table of all hosts with what is known of each and what can be done about it.

It works without its script, which only brings the cells up to date every two seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, g, jsonify, session

from waitroom.guard import page
from waitroom.hosts import Host, Registry
from waitroom.idle import Use, idle_for, time_left
from waitroom.operators import Role
from waitroom.recorded import Recorded
from waitroom.room import Room
from waitroom.view import State

_UNKNOWN = "not known"
_RUNS = (State.READY, State.WAKING, State.DRAINING)


@dataclass(frozen=True, slots=True)
class Row:
    """What stands in the cells of one host."""

    state: str
    idle: str  # for how long nobody has used it
    sleeps: str  # when it may sleep, if nobody comes
    woken: str  # its last wake
    kept: str  # until when it is kept awake


def dashboard(registry: Callable[[], Registry], room: Room, recorded: Recorded) -> Blueprint:
    """Make the routes / and /hosts."""
    routes = Blueprint("dashboard", __name__)

    def rows() -> dict[str, dict[str, str]]:
        now = datetime.now(UTC)
        hosts = registry().hosts.values()
        return {
            host.name: asdict(_row(host, room.glance(host.name), recorded.use(host), now))
            for host in hosts
        }

    @routes.get("/")
    def index() -> Response:
        values: dict[str, object] = {
            "rows": rows(),
            "watched": recorded.is_watched(),
            "operator": g.operator,
            "may_act": g.operator.role is Role.OPERATOR,
            "csrf": session.get("csrf", ""),
            "said": session.pop("said", ""),
        }
        return page("dashboard/index.html", values)

    @routes.get("/hosts")
    def hosts() -> Response:
        """Tell the script what stands in the cells now."""
        return jsonify(rows())

    return routes


def _row(host: Host, state: State, use: Use | None, now: datetime) -> Row:
    if use is None:
        return Row(state, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
    runs = state in _RUNS
    left = time_left(use, host.idle_after, now)
    kept = use.kept_until if use.kept_until and use.kept_until > now else None
    return Row(
        state=state,
        idle=_span(idle_for(use, now)) if runs else "-",
        sleeps=(f"in {_span(left)}" if left else "now") if runs else "-",
        woken=_moment(use.last_woken) if use.last_woken else "never",
        kept=_moment(kept) if kept else "-",
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours >= 48:  # noqa: PLR2004 - from here on days are easier to grasp
        return f"{hours // 24} days"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"
