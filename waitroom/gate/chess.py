"""Chess puzzles: mate in one, with one move that does it. No rules of chess are needed to judge.

Pure but for the puzzles, read once; `puzzles.json` says where they are from. A puzzle's number is
its place in that file.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from waitroom.language.sentences import mark as _

FILES, RANKS = "abcdefgh", "87654321"

# Letter of FEN -> its shape (as text, not as a picture; the page colours it), what is read out.
PIECES = {
    "": ("", _("empty")),
    "K": ("♚\ufe0e", _("white king")),
    "Q": ("♛\ufe0e", _("white queen")),
    "R": ("♜\ufe0e", _("white rook")),
    "B": ("♝\ufe0e", _("white bishop")),
    "N": ("♞\ufe0e", _("white knight")),
    "P": ("♟\ufe0e", _("white pawn")),
    "k": ("♚\ufe0e", _("black king")),
    "q": ("♛\ufe0e", _("black queen")),
    "r": ("♜\ufe0e", _("black rook")),
    "b": ("♝\ufe0e", _("black bishop")),
    "n": ("♞\ufe0e", _("black knight")),
    "p": ("♟\ufe0e", _("black pawn")),
}


@dataclass(frozen=True, slots=True)
class Square:
    """One of the 64."""

    name: str  # e4
    piece: str  # letter of FEN; empty: none
    movable: bool  # the piece is of the side that mates
    dark: bool


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A position with one mating move."""

    pieces: str  # FEN's first field
    white: bool  # who mates
    move: str  # the move, such as d1d8

    def squares(self) -> list[Square]:
        """Return the board row by row, as the side that mates sits at it."""
        rows = [
            _square(self, file + rank, piece)
            for rank, row in zip(RANKS, self.pieces.split("/"), strict=True)
            for file, piece in zip(FILES, _row(row), strict=True)
        ]
        return rows if self.white else rows[::-1]

    def is_movable(self, square: str) -> bool:
        """Whether the side that mates has a piece there."""
        return any(s.movable for s in self.squares() if s.name == square)


def puzzle(number: int) -> Puzzle:
    """Return a puzzle by its number; every number has one."""
    return _puzzles()[number % len(_puzzles())]


def is_square(name: str) -> bool:
    """Whether there is such a square."""
    return re.fullmatch("[a-h][1-8]", name) is not None


def count() -> int:
    """Return how many puzzles there are."""
    return len(_puzzles())


def _row(row: str) -> list[str]:
    return [piece for sign in row for piece in ([""] * int(sign) if sign.isdigit() else [sign])]


def _square(puzzle: Puzzle, name: str, piece: str) -> Square:
    dark = (FILES.index(name[0]) + RANKS.index(name[1])) % 2 == 1
    return Square(name, piece, movable=bool(piece) and piece.isupper() == puzzle.white, dark=dark)


@functools.cache
def _puzzles() -> tuple[Puzzle, ...]:
    document = msgspec.json.decode(Path(__file__).with_name("puzzles.json").read_bytes())
    return tuple(
        Puzzle(position.split()[0], position.split()[1] == "w", move)
        for _id, position, move in document["puzzles"]
    )
