from __future__ import annotations

import chess as rules
import pytest

from waitroom.gate import chess
from waitroom.gate.chess import PIECES, Puzzle


def mates(puzzle: Puzzle) -> list[str]:
    board = rules.Board(f"{puzzle.pieces} {'w' if puzzle.white else 'b'} - - 0 1")
    assert board.is_valid()
    found = []
    for move in board.legal_moves:
        board.push(move)
        if board.is_checkmate():
            found.append(move.uci())
        board.pop()
    return found


def test_every_puzzle_has_exactly_one_mate_and_that_is_its_solution() -> None:
    assert chess.count() >= 300
    for number in range(chess.count()):
        puzzle = chess.puzzle(number)
        assert mates(puzzle) == [puzzle.move]


def test_no_two_puzzles_are_the_same() -> None:
    assert len({chess.puzzle(n) for n in range(chess.count())}) == chess.count()


def test_the_board_stands_as_the_side_that_mates_sits() -> None:
    white = Puzzle("k7/8/8/8/8/8/8/R3K2n", white=True, move="a1a2")
    black = Puzzle("k7/8/8/8/8/8/8/R3K2n", white=False, move="h1g3")
    assert [square.name for square in white.squares()][:2] == ["a8", "b8"]
    assert [square.name for square in black.squares()][:2] == ["h1", "g1"]
    assert len(white.squares()) == 64
    first, last = white.squares()[0], white.squares()[-1]
    assert (first.piece, first.movable, first.dark) == ("k", False, False)
    assert (last.piece, last.movable, last.dark) == ("n", False, False)
    assert white.is_movable("a1")
    assert black.is_movable("h1")


@pytest.mark.parametrize("name", ["", "a", "a9", "i1", "a1a", "A1", "a1\n"])
def test_what_is_no_square_is_none(name: str) -> None:
    assert not chess.is_square(name)
    assert not chess.puzzle(0).is_movable(name)


def test_every_piece_can_be_drawn_and_read_out() -> None:
    pieces = {square.piece for n in range(chess.count()) for square in chess.puzzle(n).squares()}
    assert pieces <= set(PIECES)
