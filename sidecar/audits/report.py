"""How an audit is shown: a table for people, JSON and CSV for programs.

rich is imported only where somebody looks at a terminal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from waitroom.record.occurrence import moment_of
from waitroom.record.summary import Summary, Window

_HEADS = {
    "host": "host", "wakes": "wakes", "awake_s": "awake", "asleep_s": "asleep",
    "unknown_s": "unknown", "share_saved": "saved", "money_saved": "money saved",
    "false_wakes": "false wakes", "sleeps_called_off": "called off", "failed_stops": "failed stops",
}  # fmt: skip
_ALWAYS = ("at", "host", "kind")
Document = dict[str, Any]


def as_documents(summaries: Iterable[Summary]) -> list[Document]:
    """Return summaries as programs get them."""
    return [_document(summary) for summary in summaries]


def summaries_as_json(documents: list[Document], window: Window) -> str:
    """Return them as one JSON object."""
    since = None if window.since_us is None else moment_of(window.since_us)
    whole = {"since": since, "until": moment_of(window.until_us), "hosts": documents}
    return msgspec.json.format(msgspec.json.encode(whole)).decode()


def summaries_as_csv(documents: list[Document]) -> Iterator[str]:
    """Return them line by line, with a head."""
    names = [*_HEADS, "currency"]
    yield _csv_line(names)
    for document in documents:
        yield _csv_line([document[name] for name in names])


def summaries_as_table(documents: list[Document]) -> Iterator[str]:
    """Return a plain table line by line."""
    rows = [list(_HEADS.values()), *map(_cells, documents)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for host, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([host.ljust(widths[0]), *cells]).rstrip()


def draw_summaries(documents: list[Document]) -> None:
    """Draw a table on the terminal."""
    from rich.console import Console  # noqa: PLC0415 - a program that reads needs no drawing
    from rich.table import Table  # noqa: PLC0415

    table = Table()
    for name, head in _HEADS.items():
        table.add_column(head, justify="left" if name == "host" else "right")
    for document in documents:
        table.add_row(*_cells(document))
    Console().print(table)


def events_as_json(events: Iterable[Document]) -> Iterator[str]:
    """Return one JSON array, an event a line, however many there are."""
    opening = "["
    for event in events:
        yield opening + msgspec.json.encode(event).decode()
        opening = ","
    yield "]" if opening == "," else "[]"


def events_as_csv(events: Iterable[Document]) -> Iterator[str]:
    """Return them line by line; what only some kinds have is JSON in the last column."""
    yield _csv_line([*_ALWAYS, "details"])
    for event in events:
        details = msgspec.json.encode(_details(event)).decode()
        yield _csv_line([*(event[name] for name in _ALWAYS), details])


def events_as_table(events: Iterable[Document]) -> Iterator[str]:
    """Return them line by line."""
    for event in events:
        details = " ".join(f"{name}={_text(value)}" for name, value in _details(event).items())
        yield f"{event['at']:27}  {event['host']:24}  {event['kind']:16}  {details}".rstrip()


def _document(summary: Summary) -> Document:
    share, money = summary.share_saved, summary.money_saved
    return {
        "host": summary.host,
        "wakes": summary.wakes,
        "awake_s": summary.awake_us / 1e6,
        "asleep_s": summary.asleep_us / 1e6,
        "unknown_s": summary.unknown_us / 1e6,
        "share_saved": None if share is None else round(share, 4),
        "money_saved": None if money is None else float(round(money, 4)),
        "currency": summary.price.currency if summary.price else None,
        "false_wakes": summary.false_wakes,
        "sleeps_called_off": summary.sleeps_called_off,
        "failed_stops": summary.failed_stops,
    }


def _cells(document: Document) -> list[str]:
    share, money = document["share_saved"], document["money_saved"]
    shown = {
        **document,
        **{name: _span(document[name]) for name in ("awake_s", "asleep_s", "unknown_s")},
        "share_saved": "" if share is None else f"{share:.1%}",
        "money_saved": "" if money is None else f"{Decimal(money):,.2f} {document['currency']}",
    }
    return [str(shown[name]) for name in _HEADS]


def _span(seconds: float) -> str:
    """Write a span as people read it: `12d 3h`, `3h 20m`, `45s`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2] if number) or "0"


def _details(event: Mapping[str, Any]) -> Document:
    return {name: value for name, value in event.items() if name not in _ALWAYS}


def _text(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable() and " " not in value
    return str(value) if plain else msgspec.json.encode(value).decode()


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
