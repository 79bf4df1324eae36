"""The errors a person can mend, and where they become exit codes.

One base class: everything of ours that is raised on purpose says in one line which thing, which
fault and which way out. A subclass exists only where a caller does something else with it.
"""

from __future__ import annotations

import enum


class WaitroomError(Exception):
    """An error that a person can mend; its text is one line, shown without a traceback."""


class ConfigError(WaitroomError):
    """A file or variable is wrong; the caller may go on with what it had before."""


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
