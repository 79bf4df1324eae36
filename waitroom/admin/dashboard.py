"""The dashboard: all hosts in a table, a page for each with its history, and what happened.

It works without its script, which only brings the cells of the table up to date.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, abort, g, jsonify, request, session

from waitroom.admin import bars, phrases, timeline
from waitroom.admin.guard import page
from waitroom.admin.operators import Role
from waitroom.admin.periods import Length, Period
from waitroom.admin.table import Table
from waitroom.errors import WaitroomError
from waitroom.record import history, listing
from waitroom.record.chronicle import Chronicle
from waitroom.record.listing import Filter
from waitroom.record.records import Latest
from waitroom.record.summary import price
from waitroom.registry.hosts import Registry
from waitroom.room import Room

_ASKED = ("host", "kind", "since", "until")  # of events


def dashboard(
    registry: Callable[[], Registry], room: Room, recorded: Latest, data: Path
) -> Blueprint:
    """Make the routes /, /hosts, /hosts/HOST and /events. `data`: the folder of the record."""
    routes = Blueprint("dashboard", __name__)
    chronicle = Chronicle(data)
    table = Table(room, recorded, chronicle)

    def rows() -> dict[str, dict[str, str]]:
        return table.rows(registry().hosts.values(), datetime.now(UTC))

    @routes.get("/")
    def index() -> Response:
        return _page(
            "index",
            rows=rows(),
            watched=recorded.is_watched(),
            fault=table.fault(datetime.now(UTC)),
            may_act=g.operator.role is Role.OPERATOR,
            said=session.pop("said", ""),
        )

    @routes.get("/hosts")
    def hosts() -> Response:
        """Tell the script what stands in the cells now."""
        return jsonify(rows())

    @routes.get("/hosts/<name>")
    def one(name: str) -> Response:
        host = registry().find(name) or abort(HTTPStatus.NOT_FOUND, f"there is no host {name!r}")
        now = datetime.now(UTC)
        period = Period.parse(request.args, now.date())
        try:
            told = chronicle.of(host.name, period.days[0].isoformat())
        except WaitroomError as error:
            return _page("unread", host=host, fault=str(error))
        found = history.tell(told, host.name, period.window(now), price(host))
        return _page(
            "host",
            host=host,
            period=period,
            lengths=Length,
            summary=found.summary,
            timeline=timeline.timeline(found.spans, period),
            requests=bars.requests(found.rows, period),
            wakes=bars.wakes(found.summary.took_s),
        )

    @routes.get("/events")
    def events() -> Response:
        asked = {key: request.args.get(key, "").strip() for key in _ASKED}
        wanted, before = _filter(asked, registry()), request.args.get("before", "")
        try:
            found = listing.page(data, wanted, before)
        except ValueError:
            abort(HTTPStatus.BAD_REQUEST, f"before: {before!r} is no place in the list of events")
        return _page(
            "events",
            asked=asked,
            hosts=registry().hosts,
            kinds=phrases.KINDS,
            details=phrases.details,
            events=found.events,
            older=found.older,
            faults=found.faults,
        )

    return routes


def _page(name: str, **values: object) -> Response:
    """Return a page for whoever is logged in."""
    viewer = {"operator": g.operator, "csrf": session.get("csrf", "")}
    return page(f"dashboard/{name}.html", values | viewer)


def _filter(asked: dict[str, str], registry: Registry) -> Filter:
    since, until = (_day(key, asked[key]) for key in ("since", "until"))
    host = registry.find(asked["host"])
    return Filter(host.name if host else asked["host"], asked["kind"], since, until)


def _day(key: str, text: str) -> str:
    try:
        return text and date.fromisoformat(text).isoformat()
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, f"{key}: expected a day such as 2026-01-31, got {text!r}")
