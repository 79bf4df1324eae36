"""The gate: whether a visitor of this host may wake it, and what he has to do for it. Pure."""

from __future__ import annotations

import enum

from waitroom.hosts import Gate, Host


class Admission(enum.StrEnum):
    """What stands between a visitor and a wake."""

    NOTHING = "nothing"  # the page asks for the wake by itself
    BUTTON = "button"  # a person has to press it
    REFUSED = "refused"


_ADMISSIONS = {
    Gate.VISIT: Admission.NOTHING,
    Gate.CLICK: Admission.BUTTON,
    Gate.CLOSED: Admission.REFUSED,
}


def admission(host: Host) -> Admission:
    """Return what a visitor has to do to wake this host."""
    return _ADMISSIONS[host.gate]
