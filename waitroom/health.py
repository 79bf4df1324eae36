"""What both probes and `check` ask: whether this process can do its part now. Nothing is changed.

Each finding is one line that names the thing, the fault and what to do.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable

from waitroom.registry.settings import Settings
from waitroom.waking import canary
from waitroom.waking.canary import Leads

# Enough for months of journal; less is a disk that somebody is filling.
_LOW_BYTES = 64 << 20


def files(settings: Settings) -> Iterable[str]:
    """Look whether the waiting room can do its own part: write routes and journal."""
    yield from _folders(settings)
    journal = settings.data / "journal.jsonl"
    try:
        os.close(os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    except FileNotFoundError:
        return  # it is made with the first event
    except OSError as error:
        yield f"WAITROOM_DATA: {journal} can't be written ({error.strerror}), so nothing is woken"


def disk(settings: Settings, low_bytes: int = _LOW_BYTES) -> Iterable[str]:
    """Look whether there is room for what must be written soon."""
    for name, path in (("WAITROOM_DATA", settings.data), ("WAITROOM_ROUTES", settings.routes)):
        try:
            free_bytes = shutil.disk_usage(path).free
        except OSError:
            continue  # said already: the folder can't be used
        if free_bytes < low_bytes:
            yield f"{name}: {path} has {free_bytes >> 20} MB left on its disk; make room there"


def entry_points(settings: Settings) -> Iterable[str]:
    """Look whether Traefik answers; what did not is asked no further."""
    name = f"check-{secrets.token_hex(4)}.invalid"
    for url in settings.traefik_urls:
        if canary.send(url, name).leads is Leads.NOWHERE:
            yield canary.silent(url)
            return


def _folders(settings: Settings) -> Iterable[str]:
    """Look whether what must be written can be written."""
    for name, path in (("WAITROOM_DATA", settings.data), ("WAITROOM_ROUTES", settings.routes)):
        try:
            with tempfile.TemporaryFile(dir=path):
                pass
        except FileNotFoundError:
            yield f"{name}: there is no folder {path}; `python -m waitroom` makes it when it starts"
        except OSError as error:
            yield f"{name}: {path} can't be written ({error.strerror}); mend its owner or mode"
