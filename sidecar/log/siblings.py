"""The files beside a log that may carry older generations of it."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path

from sidecar.log import packed
from sidecar.log.packed import CompressedFile
from sidecar.log.sources import PlainFile, Source
from waitroom.errors import WaitroomError


def rotated(log: Path) -> list[Path]:
    """Find the files that may carry older generations of a log, the oldest first. Raises: OSError.

    access.log -> access.log.1, access.log-20261123.gz, access-20261123.log, access.1.log.gz; not
    access-other.log, which is another log.
    """
    pattern = _pattern(log)
    found: list[tuple[int, str]] = []
    for entry in os.scandir(log.parent):
        if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                found.append((entry.stat().st_mtime_ns, entry.path))
    return [Path(path) for _, path in sorted(found)]


@functools.cache
def _pattern(log: Path) -> re.Pattern[str]:
    name, stem, end = (re.escape(part) for part in (log.name, log.stem, log.suffix))
    ends = "|".join(re.escape(suffix) for suffix in packed.SUFFIXES)
    return re.compile(rf"({name}[.-].*|{stem}[.-]\d[\dTZ_.-]*{end}({ends})?)", re.DOTALL)


def open_source(path: Path) -> Source:
    """Open a file that carries a generation. Raises: OSError."""
    return CompressedFile(path) if path.suffix in packed.SUFFIXES else PlainFile(path)


def demand_folder(log: Path) -> None:
    """Refuse a log that is mounted into a container by itself, without its folder.

    Such a mount shows the file that was there at the start for ever: after a rotation it is the old
    one, and everything looks idle. Raises: WaitroomError.
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return  # no Linux, no such mounts
    place = os.fsencode(log.resolve())
    if any(_unescape(mount.split()[4]) == place for mount in mounts):
        raise WaitroomError(
            f"{log}: is mounted as a single file, whose rotation can't be seen; mount its folder"
        )


def _unescape(text: bytes) -> bytes:
    """Undo the octal escapes of proc(5)."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), text)
