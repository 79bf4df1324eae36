"""The catalogues: which language a visitor gets, and that every one has all words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from waitroom.language.catalogues import catalogues, language
from waitroom.language.languages import FOLDER

FILES = sorted(FOLDER.glob("*.po"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("id", "id"),
        ("ID", "id"),
        ("id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", "id"),
        ("en-GB,id;q=0.5", "en"),
        ("en;q=0.1,id;q=0.2", "id"),
        ("fr,id;q=0.1", "id"),
        ("fr", "en"),
        ("*", "en"),
        ("id;q=0", "en"),
        ("id;q=abc", "en"),
        (";;;,,q=,\x00", "en"),
        ("x" * 9000, "en"),
    ],
)
def test_takes_the_best_language_that_there_is(header: str, expected: str) -> None:
    assert language(header) == expected


@given(st.text())
def test_finds_a_language_for_any_header(header: str) -> None:
    assert language(header) in catalogues()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_catalogue_has_exactly_the_words_of_the_sources(file: Path) -> None:
    catalogue = _read(file)
    words = {message.id for message in catalogue if message.id and all(_texts(message))}
    assert words == _sources()
    assert not [message.id for message in catalogue if message.fuzzy and message.id]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_translation_has_the_placeholders_of_its_source(file: Path) -> None:
    for message in _read(file):
        source = message.id if isinstance(message.id, str) else message.id[-1]
        for text in _texts(message) if source else []:
            assert _placeholders(text) == _placeholders(source)


def _read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.stem)


def _texts(message: Message) -> list[str]:
    """Return a translation's text, or its texts if it has plurals."""
    string = message.string or ""
    return [string] if isinstance(string, str) else list(string)


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\(\w+\))?[sd]", text))


def _sources() -> set[str | tuple[str, ...]]:
    """Return every text that is marked in modules and templates."""
    methods = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    found = extract_from_dir(
        FOLDER.parent.parent, methods, {"**/templates/**.html": {"silent": "false"}}
    )
    return {text for _file, _line, text, _comments, _context in found}
