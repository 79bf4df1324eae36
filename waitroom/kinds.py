"""The kinds of events: a closed set, one definition for who writes them and who asks for some."""

from __future__ import annotations

import enum


class Kind(enum.StrEnum):
    """What happened to a host."""

    WAKE_REQUESTED = "wake_requested"  # somebody was let in; its wake begins
    WAKE_REFUSED = "wake_refused"  # a budget is spent, or too many are being woken
    WOKEN = "woken"  # its app answers
    WAKE_FAILED = "wake_failed"
    FOUND_RUNNING = "found_running"  # somebody else has started it
    FOUND_STOPPED = "found_stopped"  # somebody else has stopped it
    SLEEP_STARTED = "sleep_started"  # its stop begins
    SLEPT = "slept"  # and is over
    SLEEP_CALLED_OFF = "sleep_called_off"
    STOP_FAILED = "stop_failed"
    SLEEP_REQUESTED = "sleep_requested"  # by an operator
    KEPT = "kept"  # awake by an operator, until some moment
    RELEASED = "released"  # from that
    WATCH_STARTED = "watch_started"  # the sidecar has begun to watch
    LOG_GAP = "log_gap"  # something was in the log that nobody has read
    CLOCK_STEP = "clock_step"  # the clock was set
