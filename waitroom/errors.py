"""The errors a person can mend, and where they become exit codes.

One base class: everything of ours that is raised on purpose says in one line which thing, which
fault and which way out. A subclass exists only where a caller does something else with it.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable


class WaitroomError(Exception):
    """An error that a person can mend; its text is one line, shown without a traceback."""


class ConfigError(WaitroomError):
    """A file or variable is wrong; the caller may go on with what it had before."""


def did_you_mean(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return the way out of a misspelt name, to end an error's line with; "" if none is near.

    `likeness`: from 0 to 1, how near it must be at least.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return f"; did you mean {near[0]!r}?" if near else ""


class Reason(enum.StrEnum):
    """Why an upstream could not be asked, started or stopped; a closed set, shown to visitors."""

    MISSING = "missing"  # there is no such container, VM or program
    PERMISSION = "permission"  # the provider says that we may not
    UNREACHABLE = "unreachable"  # the provider itself does not answer: nothing is known
    FAILED = "failed"  # the provider took the order and could not carry it out
    CRASHED = "crashed"  # it was started and ended by itself, again and again
    TIMEOUT = "timeout"  # the upstream runs, but the app did not answer in time
    CREDENTIALS = "credentials"  # the provider does not know who we are
    CAPACITY = "capacity"  # the provider has no machine free now; it may in a while
    QUOTA = "quota"  # what the operator may use is used up
    CONDITION = "condition"  # the provider's rules forbid it, as the upstream is set up


class UpstreamError(WaitroomError):
    """A provider could not do what was asked of it; `reason` is what a caller decides by."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
