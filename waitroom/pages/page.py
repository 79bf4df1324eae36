"""The waiting page: one HTML document for every state of a host, and the policy it is served with.

It stands alone: style, script and pictures are inside it, it asks nobody but the host it was asked
for, and everything on it works without the script, only with a click more. Pure but for the
templates, read once: a page is a function of its arguments.
"""

from __future__ import annotations

from typing import Any

from waitroom.language.catalogues import catalogues
from waitroom.language.sentences import APP_ERROR_HEADLINE, HEADLINES, UNSENT
from waitroom.language.sentences import mark as _
from waitroom.language.words import app_error, message
from waitroom.pages import looks
from waitroom.registry.branding import Branding
from waitroom.view import State, View

_HOST_CHARACTERS = 100  # shown of a name that a client made up
# The bar at the usual duration, and at the one that few exceed: the rest is the app's to fill.
_USUAL, _LATE = 0.8, 0.95

_OURS = Branding()

# What the script says by itself, in the language of the page.
_SCRIPT = {
    "usual": _("usually %s"),
    "longer": _("longer than usual"),
    "trouble": _("There is no connection at the moment; this page keeps trying."),
    "stale": _("It could not be woken from this page; please reload."),
}


def render(
    view: View,
    language: str,
    *,
    token: str | None,
    automatic: bool,
    nonce: str,
    puzzle: bool = False,
    origin_status: int | None = None,
    unsent: bool = False,
    brand: Branding = _OURS,
) -> str:
    """Return the page. `token` wakes the host once; `automatic` lets the script do so by itself.

    `puzzle`: the host wakes for a solved chess puzzle.
    `unsent`: it answers a request that carried something for the app.
    """
    values = _values(view, language, brand, origin_status) | {
        "token": token,
        "automatic": automatic,
        "nonce": nonce,
        "unsent": unsent,
        "puzzle": puzzle,
    }
    return looks.render("page.html", brand.template, values)


def fault(view: View, language: str, brand: Branding) -> str | None:
    """Return what is wrong with an operator's own template for a view, if anything."""
    if brand.template is None:
        return None
    asked = {"token": "t", "automatic": True, "nonce": "n", "unsent": True, "puzzle": False}
    return looks.fault("page.html", brand.template, _values(view, language, brand, None) | asked)


def _values(
    view: View, language: str, brand: Branding, origin_status: int | None
) -> dict[str, Any]:
    """Return what a page says of a host."""
    words = catalogues()[language]
    final = app_error(view, origin_status)
    headlines = {scene: words.gettext(text) for scene, text in HEADLINES.items()}
    texts = {key: words.gettext(text) for key, text in _SCRIPT.items()}
    return {
        "_": words.gettext,
        "language": language,
        "view": view,
        "brand": brand,
        "final": final,
        "headline": words.gettext(APP_ERROR_HEADLINE) if final else headlines[view.scene],
        "message": message(view, language, origin_status=origin_status),
        "unsent_text": words.gettext(UNSENT),
        "progress": _progress(view),
        "texts": texts | {"states": headlines},
    }


def unregistered(host: str, language: str, *, nonce: str) -> str:
    """Return the page of a host that nobody registered; its name is the client's own invention."""
    shown = "".join(filter(str.isprintable, host))
    if len(shown) > _HOST_CHARACTERS:
        shown = shown[:_HOST_CHARACTERS] + "…"
    words = catalogues()[language]
    values = {"_": words.gettext, "language": language, "nonce": nonce, "host": shown}
    return looks.render("unregistered.html", None, {**values, "brand": _OURS})


def content_security_policy(nonce: str, *, framed: bool = False) -> str:
    """Return the policy that the page is made for: only what stands in it and its own host.

    `framed`: it may stand in a frame of its own host.

    No `form-action`: Chromium holds it against every redirect after the form, and an app that is
    awake by then may send its visitor to a sign-in on another host.
    """
    ancestors = "'self'" if framed else "'none'"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src data:; connect-src 'self'; worker-src 'self'; frame-src 'self'; "
        # A frame on somebody else's page would wake a host for people who never see it.
        f"base-uri 'none'; frame-ancestors {ancestors}"
    )


def _progress(view: View) -> float | None:
    """Return how far a wake has come, 0 to 1, if one is under way and past ones tell."""
    if view.state is not State.WAKING or not view.expected_s:
        return None
    if view.elapsed_s <= view.expected_s:
        return view.elapsed_s / view.expected_s * _USUAL
    slack_s = max(view.late_s or 0.0, view.expected_s) - view.expected_s
    over = (view.elapsed_s - view.expected_s) / slack_s if slack_s else 1.0
    return _USUAL + min(1.0, over) * (_LATE - _USUAL)
