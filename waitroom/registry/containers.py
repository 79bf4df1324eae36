"""containers.json: the containers that announce themselves, as the waiting room last saw them.

The waiting room writes it (`discovery`), both processes read it beside hosts.yaml: so the sidecar
needs neither events nor a list from the engine, and who starts begins with what was known last.
What stands in it are the labels as they are; what they mean is decided where they are read.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from waitroom.labels.labels import Container

log = logging.getLogger(__name__)


def read(path: Path) -> tuple[Container, ...]:
    """Return the containers; none without a file that can be read, and says so."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Container, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.error("%s can't be read, no container's labels hold: %s", path, error)
        return ()


def write(path: Path, containers: Iterable[Container]) -> bool:
    """Replace the file if it says anything else; True if it did. Raises: OSError."""
    ordered = sorted(containers, key=lambda container: container.name)
    text = msgspec.json.format(msgspec.json.encode(ordered, order="sorted"), indent=2) + b"\n"
    try:
        if path.read_bytes() == text:
            return False
    except FileNotFoundError:
        pass
    beside = path.with_suffix(".tmp")
    with beside.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    return True
