"""The page of a chess puzzle: alone, or in a frame of the waiting page.

A page of its own, so that the waiting page stays light for those who don't play. Pure but for its
template.
"""

from __future__ import annotations

from waitroom.gate.chess import PIECES
from waitroom.gate.game import Game, Outcome
from waitroom.language.catalogues import catalogues
from waitroom.language.sentences import mark as _
from waitroom.language.words import message
from waitroom.pages import looks
from waitroom.registry.branding import Branding
from waitroom.view import State, View

# Said of what has just happened, and of what is to be done now.
_OUTCOMES = {
    Outcome.BEGUN: "",
    Outcome.CHOSEN: _("Now choose its square."),
    Outcome.WRONG: _("That is no mate; try again."),
    Outcome.LOST: _("That is no mate either. Here is another puzzle."),
    Outcome.SOLVED: _("Mate! Here is another puzzle."),
}
_WHITE = _("White mates in one move. Choose a piece, then its square.")
_BLACK = _("Black mates in one move. Choose a piece, then its square.")


def render(
    view: View,
    game: Game,
    language: str,
    *,
    wakes: bool,
    back: str,
    nonce: str,
    brand: Branding,
) -> str:
    """Return the page. `wakes`: its solution wakes the host; `back`: the path of the way on."""
    words = catalogues()[language]
    values = {
        "_": words.gettext,
        "language": language,
        "nonce": nonce,
        "view": view,
        "brand": brand,
        "title": words.gettext(_("Your move")),
        "message": _message(view, game, language, wakes=wakes),
        "game": game,
        "pieces": {key: (sign, words.gettext(name)) for key, (sign, name) in PIECES.items()},
        "wakes": wakes,
        "woken": wakes and view.state in (State.WAKING, State.READY),
        "back": back,
    }
    return looks.render("chess.html", brand.template, values)


def _message(view: View, game: Game, language: str, *, wakes: bool) -> str:
    said, words = [_OUTCOMES[game.outcome]], catalogues()[language]
    if game.outcome is not Outcome.CHOSEN:
        said.append(_WHITE if game.puzzle.white else _BLACK)
    told = [words.gettext(text) for text in said if text]
    if wakes and (view.refused or game.outcome is Outcome.SOLVED):
        told.insert(0, message(view, language))
    return " ".join(told)
