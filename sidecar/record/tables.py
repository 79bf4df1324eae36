"""The tables of activity.json as a file: JSON, of the form that TinyDB writes.

Events stay encoded (`msgspec.Raw`), see `Store.add_events`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

Tables = dict[str, dict[str, Any]]
document = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.encode
_AT_ONCE = 1000


def encoded(tables: Tables) -> Iterator[bytes]:
    """Encode them a thousand documents at a time.

    Encoded at once they were copied whole, and larger by each commit: the holes that such copies
    leave in the heap cost more memory than what they were copies of.
    """
    start = b"{"
    for name, documents in tables.items():
        yield start + _encode(name) + b":{"
        entries, start = iter(documents.items()), b""
        while some := dict(itertools.islice(entries, _AT_ONCE)):
            yield start + _encode(some)[1:-1]
            start = b","
        yield b"}"
        start = b","
    yield b"}"


def read(path: Path) -> Tables | None:
    """Read the tables; {} where there is no file, None where it is damaged. Raises: OSError."""
    try:
        tables = msgspec.json.decode(path.read_bytes(), type=dict[str, Raw])
        return {name: _table(name, raw) for name, raw in tables.items()}
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _table(name: str, raw: Raw) -> dict[str, Any]:
    if name != "events":
        return msgspec.json.decode(raw, type=dict[str, dict[str, Any]])
    events = msgspec.json.decode(raw, type=dict[str, Raw])
    for event in events.values():
        document(event)  # one that is none is damage
    # A copy each: as parts of the file they would keep all of it.
    return {number: event.copy() for number, event in events.items()}
