"""Lines that led to nothing that anybody wanted to see: canaries, and the errands of browsers.

Pure. Few lines are such, and to ask each path costs as much as all its counting. So a block's paths
are searched as one text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from traefik.access_log import Entry
from waitroom.gate.agents import ERRAND_PATHS

CANARY_PATH = "/.waitroom/canary/"

_PATHS = (CANARY_PATH, *ERRAND_PATHS)
_search = re.compile("\n(?:" + "|".join(map(re.escape, _PATHS)) + ")").finditer


def odd_ones(entries: Sequence[Entry]) -> list[int]:
    """Return where in the list they stand, in ascending order."""
    paths = [entry.path for entry in entries]
    text = "\n".join(["", *paths])
    found = [match.start() for match in _search(text)]
    if found and text.count("\n") != len(paths):  # a path with a line of its own
        return [number for number, path in enumerate(paths) if path.startswith(_PATHS)]
    return _lines(text, found)


def _lines(text: str, offsets: list[int]) -> list[int]:
    """Return which lines begin there, where each line begins with its separator."""
    lines, line, after = [], -1, 0
    for offset in offsets:
        line += text.count("\n", after, offset + 1)
        after = offset + 1
        lines.append(line)
    return lines
