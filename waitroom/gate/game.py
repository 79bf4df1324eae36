"""The game: a puzzle on a board, move by move, for who waits, and for who wakes a host by it.

Nothing of a game is stored: the challenge that goes to and fro says which puzzle it is and how
many tries are left, and each try uses one up.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass

from waitroom.gate import chess
from waitroom.gate.challenges import TRIES, Challenge, ChallengeError, Challenges
from waitroom.gate.chess import Puzzle


class Outcome(enum.StrEnum):
    """What has just happened."""

    BEGUN = "begun"
    CHOSEN = "chosen"  # a piece; now for its square
    WRONG = "wrong"  # no mate; the same again
    LOST = "lost"  # no mate, for the last time; here is another
    SOLVED = "solved"  # here is another


@dataclass(frozen=True, slots=True)
class Game:
    """A puzzle as it stands before the visitor."""

    outcome: Outcome
    puzzle: Puzzle
    token: str  # the challenge for the next move
    tries: int = TRIES
    chosen: str = ""  # the square of the piece that is to move


class Games:
    """All games. Threads: any may call."""

    def __init__(self, challenges: Challenges) -> None:
        self._challenges = challenges

    def play(self, host: str, token: str, chosen: str, square: str, now_s: float) -> Game:
        """Go on with a game: `square` was pressed while the piece on `chosen` was to move."""
        try:
            challenge = self._challenges.read(token, host, now_s)
            if challenge.puzzle is not None:
                return self._move(challenge, token, chosen, square, now_s)
        except ChallengeError:
            pass  # too old, or sent twice
        return self._another(Outcome.BEGUN, host, now_s)

    def _move(
        self, challenge: Challenge, token: str, chosen: str, square: str, now_s: float
    ) -> Game:
        host, number = challenge.host, challenge.puzzle or 0
        puzzle, tries = chess.puzzle(number), challenge.tries
        if puzzle.is_movable(square):
            return Game(Outcome.CHOSEN, puzzle, token, tries, square)
        if not (puzzle.is_movable(chosen) and chess.is_square(square)):
            return Game(Outcome.BEGUN, puzzle, token, tries)
        self._challenges.use_up(challenge, now_s)
        if chosen + square == puzzle.move:
            return self._another(Outcome.SOLVED, host, now_s)
        if tries == 1:
            return self._another(Outcome.LOST, host, now_s)
        again = self._challenges.issue(host, now_s, puzzle=number, tries=tries - 1)
        return Game(Outcome.WRONG, puzzle, again, tries - 1)

    def _another(self, outcome: Outcome, host: str, now_s: float) -> Game:
        number = secrets.randbelow(chess.count())
        token = self._challenges.issue(host, now_s, puzzle=number)
        return Game(outcome, chess.puzzle(number), token)
