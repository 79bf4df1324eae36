"""`python -m sidecar audit`: asks the past, and prints the answer.

Only reads, beside a sidecar that runs or without one. A part of the record that is damaged is named
on standard error; the rest is told all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sidecar.audits import report
from waitroom.errors import ConfigError, WaitroomError
from waitroom.record.occurrence import ALL_HOSTS, Event, is_event, microseconds, moment_of
from waitroom.record.past import Past
from waitroom.record.summary import Window, price
from waitroom.record.sums import summarise
from waitroom.registry.hosts import Registry, normalise
from waitroom.registry.values import Duration
from waitroom.signs import moment

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    window: Window
    host: str | None = None  # one host, by any of its names
    kinds: tuple[str, ...] = ()  # events of these kinds
    events: bool = False  # events, not sums
    form: str = "table"


def when(text: str, now: datetime) -> int:
    """Read `7d` (that long ago), `2026-01-31` or `2026-01-31T12:00:00Z`, as microseconds.

    Without a time zone it is UTC. Raises: ValueError, OverflowError.
    """
    try:
        return microseconds(now - Duration.parse(text))
    except ValueError:
        at = datetime.fromisoformat(text)
        return microseconds((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))


def answer(question: Question, data: Path, registry: Callable[[], Registry]) -> list[str]:
    """Print the answer; return the faults that were met. Raises: WaitroomError without a record."""
    if not (data / "activity.json").exists() and not (data / "archive").exists():
        raise WaitroomError(
            f"{data}: nothing is recorded yet; does the sidecar run with this WAITROOM_DATA?"
        )
    faults: list[str] = []
    lists = question.events or bool(question.kinds)
    # A list of all events has no costs, and no name that may be an alias.
    known = Registry({}) if lists and question.host is None else _known(registry, faults)
    name = _canonical(question.host, known)
    if name is not None and known.hosts and name not in known.hosts:
        click.echo(f"There is no host {name!r} now; told is what was recorded of it.", err=True)
    if lists:
        lines = _events(question, name, data, faults)
    else:
        lines = _sums(question, name, data, known, faults)
    for line in lines:
        click.echo(line)
    return faults


def _known(registry: Callable[[], Registry], faults: list[str]) -> Registry:
    try:
        return registry()
    except ConfigError as error:
        faults.append(f"costs and aliases are not known, as hosts.yaml is not read: {error}")
        return Registry({})


def _canonical(name: str | None, registry: Registry) -> str | None:
    if name is None:
        return None
    host = registry.find(name)
    return host.name if host else normalise(name) or name


def _sums(
    question: Question, name: str | None, data: Path, registry: Registry, faults: list[str]
) -> Iterator[str]:
    past = Past(data, Event)
    month, opening = past.opening(_month(question.window))
    after = opening.last_id if opening else 0
    prices = {name: cost for name, host in registry.hosts.items() if (cost := price(host))}
    summaries = summarise(lambda: past.events(month, after), question.window, prices, opening, name)
    documents = report.as_documents(summaries)
    faults += past.faults
    if question.form == "json":
        yield report.summaries_as_json(documents, question.window)
    elif question.form == "csv":
        yield from report.summaries_as_csv(documents)
    elif sys.stdout.isatty():
        report.draw_summaries(documents)
    else:
        yield from report.summaries_as_table(documents)


def _events(question: Question, name: str | None, data: Path, faults: list[str]) -> Iterator[str]:
    past = Past(data, Document)
    found = (
        event for event in past.events(_month(question.window)) if _is_wanted(event, question, name)
    )
    forms = {
        "json": report.events_as_json,
        "csv": report.events_as_csv,
        "table": report.events_as_table,
    }
    yield from forms[question.form](found)
    faults += past.faults


def _month(window: Window) -> str:
    """Return the month in which a window begins; without a start the first of all."""
    return "" if window.since_us is None else moment_of(window.since_us).isoformat()[:7]


def _is_wanted(event: Document, question: Question, name: str | None) -> bool:
    if not is_event(event):
        return False
    if name is not None and event.get("host") not in (name, ALL_HOSTS):
        return False
    if question.kinds and event.get("kind") not in question.kinds:
        return False
    at = moment(event.get("at"))
    return at is not None and question.window.includes(microseconds(at))
