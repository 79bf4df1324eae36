"""The sentences that visitors read: every state, stage and reason has its own, in English.

The catalogues hold the other languages. They may promise nothing that the View does not say.
"""

from __future__ import annotations

from waitroom.errors import Reason
from waitroom.view import MemberState, Refusal, Stage, State


def mark(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is used."""
    return text


_ = mark  # the name that gettext's tools look for


HEADLINES: dict[State | Refusal, str] = {
    State.ASLEEP: _("Asleep"),
    State.WAKING: _("Waking up"),
    State.READY: _("Ready"),
    State.DRAINING: _("Staying awake"),
    State.FAILED: _("It did not wake up"),
    State.UNKNOWN: _("Out of sight"),
    Refusal.CLOSED: _("Closed"),
    Refusal.SPENT: _("The budget is spent"),
    Refusal.BUSY: _("One moment"),
    Refusal.HOURS: _("Outside its hours"),
    Refusal.BARRED: _("Not from here"),
    Refusal.FAULT: _("Out of order"),
}
APP_ERROR_HEADLINE = _("The app has a problem")

STATES = {
    State.ASLEEP: _("%(host)s is asleep, because nobody has used it for a while."),
    State.READY: _("%(host)s is awake and takes over in a moment."),
    State.DRAINING: _("%(host)s was about to fall asleep; your visit keeps it awake."),
}
STAGES = {
    None: _("%(host)s is being woken."),
    Stage.STOPPING: _("%(host)s is still shutting down; it is started again right after."),
    Stage.STARTING: _("%(host)s is being started."),
    Stage.CONTAINER: _("The container of %(host)s is being started."),
    Stage.RESERVING: _("%(host)s is being started; its provider looks for a machine."),
    Stage.PREPARING: _("%(host)s is being started; its machine is being made ready."),
    Stage.ANSWERING: _("%(host)s has been started; its app does not answer yet."),
    Stage.UNHEALTHY: _(
        "%(host)s is running, but its own health check fails, and until it passes nobody is led "
        "there. If that lasts, please tell its operator."
    ),
    Stage.REPAIRING: _(
        "The machine of %(host)s is being repaired by its provider; it starts right after."
    ),
    Stage.QUEUED: _(
        "%(host)s is waiting for a free machine: its provider has none at the moment. "
        "It is tried again and again."
    ),
}
MEMBERS = {
    MemberState.WAITING: _("waiting"),
    MemberState.STARTING: _("starting"),
    MemberState.RUNNING: _("running"),
    MemberState.STOPPING: _("shutting down"),
}
REFUSALS = {
    Refusal.CLOSED: _("%(host)s is asleep, and only its operators can wake it."),
    Refusal.SPENT: _("%(host)s is asleep, and has been woken as often as its budget allows."),
    Refusal.BUSY: _(
        "%(host)s is asleep, and too many others are being woken at the moment. "
        "It can be woken as soon as one of them is done."
    ),
    Refusal.HOURS: _("%(host)s is asleep, and is not woken at this time."),
    Refusal.BARRED: _("%(host)s is asleep, and can't be woken from where you are."),
    Refusal.FAULT: _(
        "%(host)s is asleep, and can't be woken now: the waiting room can't write down what it "
        "does, and without that it wakes nothing. Please tell its operator, or come back later."
    ),
}
AGAIN = _("It can be woken again from %(until)s.")
UNSENT = _(
    "What you sent has not been passed on to the app. Once it is awake, your browser will ask "
    "whether to send it again."
)
UNSENT_BY_PROGRAM = _(
    "Nothing that you sent has been passed on to the app; send it again once it is awake."
)
BROWSER_WANTED = _(
    "To wake it, open it in a browser, or send one of its tokens as Authorization: Bearer TOKEN."
)
FAILURES = {
    None: _("%(host)s could not be woken. Please try again."),
    Reason.MISSING: _(
        "%(host)s could not be woken: what it runs on does not exist. Please tell its operator."
    ),
    Reason.PERMISSION: _(
        "%(host)s could not be woken: the waiting room is not permitted to. "
        "Please tell its operator."
    ),
    Reason.UNREACHABLE: _(
        "%(host)s could not be woken: the system that starts it does not answer. "
        "Please try again in a minute."
    ),
    Reason.FAILED: _(
        "%(host)s could not be woken: it was told to start and did not. "
        "Please try again; if that does not help, tell its operator."
    ),
    Reason.CRASHED: _(
        "%(host)s was started, but its app ended by itself again and again. "
        "Please tell its operator."
    ),
    Reason.TIMEOUT: _(
        "%(host)s was started, but its app did not answer in time. Please try again in a minute."
    ),
    Reason.CREDENTIALS: _(
        "%(host)s could not be woken: the system that starts it does not know the waiting room. "
        "Please tell its operator."
    ),
    Reason.CAPACITY: _(
        "%(host)s could not be woken: its provider has no machine free at the moment. "
        "Please try again in a few minutes."
    ),
    Reason.QUOTA: _(
        "%(host)s could not be woken: its operator's quota is used up. Please tell its operator."
    ),
    Reason.CONDITION: _(
        "%(host)s could not be woken: its provider's rules forbid it, as it is set up now. "
        "Please tell its operator."
    ),
}
# A provider that is only out of reach; all else a person must mend, and is a failure.
UNKNOWNS = {
    None: _("Whether %(host)s is running is not known yet. Please wait a moment."),
    Reason.UNREACHABLE: _(
        "Whether %(host)s is running can't be found out: the system that runs it does not answer. "
        "It is asked again and again; please wait, or come back later."
    ),
    Reason.TIMEOUT: _(
        "Whether %(host)s is running can't be found out: there was no answer in time. "
        "It is asked again and again; please wait, or come back later."
    ),
}
APP_ERROR = _(
    "%(host)s is running, but its app answered this request with the error %(status)d. "
    "Please try again; if that does not help, tell its operator."
)
