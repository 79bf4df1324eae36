from __future__ import annotations

import pytest

from waitroom.gate import chess
from waitroom.gate.challenges import Challenges
from waitroom.gate.game import Game, Games, Outcome

HOST = "app.test"
CHALLENGES = Challenges(b"s" * 32)
GAMES = Games(CHALLENGES)


def play(game: Game, chosen: str, square: str) -> Game:
    return GAMES.play(HOST, game.token, chosen, square, 1.0)


@pytest.fixture
def game() -> Game:
    return GAMES.play(HOST, "", "", "", 0.0)


def solution(game: Game) -> tuple[str, str]:
    return game.puzzle.move[:2], game.puzzle.move[2:]


def elsewhere(game: Game) -> str:
    """A square that is no solution and has none of the mover's pieces on it."""
    return next(
        s.name for s in game.puzzle.squares() if not s.movable and s.name != solution(game)[1]
    )


def test_a_piece_is_chosen_and_another_one_instead(game: Game) -> None:
    chosen = play(game, "", solution(game)[0])
    assert (chosen.outcome, chosen.chosen, chosen.token) == (
        Outcome.CHOSEN,
        solution(game)[0],
        game.token,
    )
    other = next(s.name for s in game.puzzle.squares() if s.movable and s.name != chosen.chosen)
    assert play(chosen, chosen.chosen, other).chosen == other


def test_the_mate_leads_to_the_next_puzzle(game: Game) -> None:
    after = play(game, *solution(game))
    assert after.outcome is Outcome.SOLVED
    assert (after.tries, after.chosen) == (3, "")


def test_the_same_mate_does_not_count_twice(game: Game) -> None:
    play(game, *solution(game))
    assert play(game, *solution(game)).outcome is Outcome.BEGUN


def test_there_are_three_tries_and_then_another_puzzle(game: Game) -> None:
    first = game
    for left in (2, 1):
        game = play(game, solution(game)[0], elsewhere(game))
        assert (game.outcome, game.tries, game.puzzle) == (Outcome.WRONG, left, first.puzzle)
    assert play(first, *solution(first)).outcome is Outcome.BEGUN  # its token is used up
    assert play(game, solution(game)[0], elsewhere(game)).outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("chosen", "square"), [("", ""), ("z9", "a1"), ("", "e4"), ("a1", "\udcff")]
)
def test_what_is_no_move_costs_no_try(game: Game, chosen: str, square: str) -> None:
    after = play(game, "" if chess.is_square(chosen) else chosen, square)
    assert after.outcome in (Outcome.BEGUN, Outcome.CHOSEN)
    assert (after.tries, after.token) == (3, game.token)


def test_a_token_that_is_for_no_puzzle_begins_a_game() -> None:
    token = CHALLENGES.issue(HOST, 0.0)
    assert GAMES.play(HOST, token, "a1", "a2", 1.0).outcome is Outcome.BEGUN
    assert CHALLENGES.read(token, HOST, 1.0)
