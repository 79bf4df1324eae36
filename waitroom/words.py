"""What a visitor is told about a host, in a sentence or two: in the page, in JSON and as text.

Every state, stage and reason has its words in the tables below, in English; the catalogues hold
the other languages. Pure but for the catalogues, read once. It may promise nothing that the View
does not say.
"""

from __future__ import annotations

from datetime import UTC
from gettext import NullTranslations

from waitroom.catalogues import catalogues
from waitroom.errors import Reason
from waitroom.view import Refusal, Refused, Stage, State, View

_FINE_S = 10  # up to here a second more or less is noticed, and said
_MINUTES_S = 90  # from here on a duration is said in minutes


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
    Refusal.HOURS: _("Outside its hours"),
    Refusal.BARRED: _("Not from here"),
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
    Stage.REPAIRING: _(
        "The machine of %(host)s is being repaired by its provider; it starts right after."
    ),
    Stage.QUEUED: _(
        "%(host)s is waiting for a free machine: its provider has none at the moment. "
        "It is tried again and again."
    ),
}
REFUSALS = {
    Refusal.CLOSED: _("%(host)s is asleep, and only its operators can wake it."),
    Refusal.SPENT: _("%(host)s is asleep, and has been woken as often as its budget allows."),
    Refusal.HOURS: _("%(host)s is asleep, and is not woken at this time."),
    Refusal.BARRED: _("%(host)s is asleep, and can't be woken from where you are."),
}
_AGAIN = _("It can be woken again from %(until)s.")
UNSENT = _(
    "What you sent has not been passed on to the app. Once it is awake, your browser will ask "
    "whether to send it again."
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
UNKNOWNS = {
    None: _("Whether %(host)s is running is not known yet. Please wait a moment."),
    Reason.MISSING: _(
        "Whether %(host)s is running can't be found out: what it runs on does not exist. "
        "Please tell its operator."
    ),
    Reason.PERMISSION: _(
        "Whether %(host)s is running can't be found out: the waiting room is not permitted to ask. "
        "Please tell its operator."
    ),
    Reason.UNREACHABLE: _(
        "Whether %(host)s is running can't be found out: the system that runs it does not answer. "
        "It is asked again and again; please wait, or come back later."
    ),
    Reason.FAILED: _(
        "Whether %(host)s is running can't be found out: asking for it failed. "
        "It is asked again and again; please wait, or come back later."
    ),
    Reason.CRASHED: _(
        "Whether %(host)s is running can't be found out: it ends by itself again and again. "
        "Please tell its operator."
    ),
    Reason.TIMEOUT: _(
        "Whether %(host)s is running can't be found out: there was no answer in time. "
        "It is asked again and again; please wait, or come back later."
    ),
    Reason.CREDENTIALS: _(
        "Whether %(host)s is running can't be found out: the system that runs it does not know "
        "the waiting room. Please tell its operator."
    ),
    Reason.CAPACITY: _(
        "Whether %(host)s is running can't be found out: its provider has no machine free. "
        "It is asked again and again; please wait, or come back later."
    ),
    Reason.QUOTA: _(
        "Whether %(host)s is running can't be found out: its operator's quota is used up. "
        "Please tell its operator."
    ),
    Reason.CONDITION: _(
        "Whether %(host)s is running can't be found out: its provider's rules forbid it. "
        "Please tell its operator."
    ),
}
_APP_ERROR = _(
    "%(host)s is running, but its app answered this request with the error %(status)d. "
    "Please try again; if that does not help, tell its operator."
)


def message(view: View, language: str, *, origin_status: int | None = None) -> str:
    """Say in a sentence or two how a host is, what to expect and what to do.

    `origin_status` is the error that the proxy got for this very request, if that led here.
    """
    words = catalogues()[language]
    values = {"host": view.host, "status": origin_status}
    if app_error(view, origin_status):
        return words.gettext(_APP_ERROR) % values
    parts = [words.gettext(_sentence(view)) % values, _expect(view, words), _again(view, words)]
    return " ".join(filter(None, parts))


def app_error(view: View, origin_status: int | None) -> bool:
    """Whether the app itself answered with an error, so that waiting here would help nobody."""
    return view.state is State.READY and origin_status is not None


def _sentence(view: View) -> str:
    match view.state:
        case State.ASLEEP if view.refused:
            return REFUSALS[view.refused.why]
        case State.WAKING:
            return STAGES[view.stage]
        case State.FAILED:
            return FAILURES[view.reason]
        case State.UNKNOWN:
            return UNKNOWNS[view.reason]
        case _:
            return STATES[view.state]


def _expect(view: View, words: NullTranslations) -> str:
    """Say how long a wake takes, where one is ahead or under way and past ones tell; or a pause."""
    if view.again_s:  # no figure: a screen reader would read each new one out
        return words.gettext(_("It can be tried again in a few seconds."))
    if not view.expected_s or view.scene not in (State.ASLEEP, State.WAKING):
        return ""
    late_s = max(view.late_s or 0.0, view.expected_s)
    usual, late = _about(view.expected_s, words), _about(late_s, words)
    if view.state is State.ASLEEP:
        text = _("Waking it usually takes %(usual)s.")
    elif view.elapsed_s > late_s:
        text = _("That usually takes %(usual)s, this time it takes longer.")
    elif late == usual:
        text = _("That usually takes %(usual)s.")
    else:
        text = _("That usually takes %(usual)s, and seldom more than %(late)s.")
    return words.gettext(text) % {"usual": usual, "late": late}


def _again(view: View, words: NullTranslations) -> str:
    """Say when a refused wake may be asked for again; the page's script makes the time local."""
    match view:
        case View(state=State.ASLEEP | State.FAILED, refused=Refused(until=until)) if until:
            return words.gettext(_AGAIN) % {"until": f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"}
        case _:
            return ""


def _about(seconds: float, words: NullTranslations) -> str:
    """Return a duration as a person would say it, coarser the longer it is."""
    n = max(1, round(seconds)) if seconds < _FINE_S else 5 * round(seconds / 5)
    if n < _MINUTES_S:
        return words.ngettext("about %(n)d second", "about %(n)d seconds", n) % {"n": n}
    n = round(n / 60)
    return words.ngettext("about %(n)d minute", "about %(n)d minutes", n) % {"n": n}
