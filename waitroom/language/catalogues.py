"""The page's words in each language: gettext catalogues, read once; a new language is one new file.

English is the language of the sources and so has no file. The .po files are read as they are,
since a compiled one in the repository would sooner or later say something else than its source.
"""

from __future__ import annotations

import functools
import gettext
import io
from collections.abc import Mapping
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from waitroom.language.languages import FOLDER, SOURCE, languages

# Thousands who wait for one page have a few dozen wishes between them.
_REMEMBERED = 256


@functools.cache
def catalogues() -> Mapping[str, gettext.NullTranslations]:
    """Return every catalogue by its language tag; the source's own comes first."""
    files = {tag: FOLDER / f"{tag.replace('-', '_')}.po" for tag in languages() if tag != SOURCE}
    return {SOURCE: gettext.NullTranslations()} | {tag: _read(file) for tag, file in files.items()}


@functools.lru_cache(_REMEMBERED)
def language(accept_language: str) -> str:
    """Return the best of our languages for an Accept-Language header, whatever it holds. Pure."""
    ours = {tag.lower(): tag for tag in catalogues()}
    # Not best_match(): it would rank a rarer wish that is ours exactly over a region of the first.
    for wish, quality in parse_accept_header(accept_language, LanguageAccept):
        tag = wish.lower().replace("_", "-")
        found = ours.get(tag) or ours.get(tag.partition("-")[0])
        if found and quality > 0:
            return found
    return SOURCE


def _read(file: Path) -> gettext.NullTranslations:
    """Let gettext read the compiled form, so that plurals follow the file's own rule."""
    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.stem)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
