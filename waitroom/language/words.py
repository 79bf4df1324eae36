"""What a visitor is told about a host, in a sentence or two: in the page, in JSON and as text.

Put together of `sentences`. Pure but for the catalogues, read once.
"""

from __future__ import annotations

from datetime import UTC
from gettext import NullTranslations

from waitroom.language.catalogues import catalogues
from waitroom.language.sentences import (
    AGAIN,
    APP_ERROR,
    FAILURES,
    MEMBERS,
    REFUSALS,
    STAGES,
    STATES,
    UNKNOWNS,
)
from waitroom.language.sentences import mark as _
from waitroom.view import Refused, State, View

_FINE_S = 10  # up to here a second more or less is noticed, and said
_MINUTES_S = 90  # from here on a duration is said in minutes


def message(view: View, language: str, *, origin_status: int | None = None) -> str:
    """Say in a sentence or two how a host is, what to expect and what to do.

    `origin_status` is the error that the proxy got for this very request, if that led here.
    """
    words = catalogues()[language]
    values = {"host": view.host, "status": origin_status}
    if app_error(view, origin_status):
        return words.gettext(APP_ERROR) % values
    sentence = words.gettext(_sentence(view)) % values
    parts = [sentence, _members(view, words), _expect(view, words), _again(view, words)]
    return " ".join(filter(None, parts))


def translated(sentence: str, language: str) -> str:
    """Return a sentence that says nothing of a host in a language."""
    return catalogues()[language].gettext(sentence)


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
            return UNKNOWNS.get(view.reason, UNKNOWNS[None])
        case _:
            return STATES[view.state]


def _members(view: View, words: NullTranslations) -> str:
    """Say what each of a group does; their names are their operator's."""
    does = ", ".join(f"{name}: {words.gettext(MEMBERS[state])}" for name, state in view.members)
    return f"({does})" if does else ""


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
            return words.gettext(AGAIN) % {"until": f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"}
        case _:
            return ""


def _about(seconds: float, words: NullTranslations) -> str:
    """Return a duration as a person would say it, coarser the longer it is."""
    n = max(1, round(seconds)) if seconds < _FINE_S else 5 * round(seconds / 5)
    if n < _MINUTES_S:
        return words.ngettext("about %(n)d second", "about %(n)d seconds", n) % {"n": n}
    n = round(n / 60)
    return words.ngettext("about %(n)d minute", "about %(n)d minutes", n) % {"n": n}
