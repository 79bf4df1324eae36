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

FOLDER = Path(__file__).with_name("locale")
_SOURCE = "en"


@functools.cache
def catalogues() -> Mapping[str, gettext.NullTranslations]:
    """Return every catalogue by its language tag; the source's own comes first."""
    files = sorted(FOLDER.glob("*.po"))
    return {_SOURCE: gettext.NullTranslations()} | {
        file.stem.replace("_", "-"): _read(file) for file in files
    }


def language(accept_language: str) -> str:
    """Return the best of our languages for an Accept-Language header, whatever it holds. Pure."""
    ours = {tag.lower(): tag for tag in catalogues()}
    # Not best_match(): it would rank a rarer wish that is ours exactly over a region of the first.
    for wish, quality in parse_accept_header(accept_language, LanguageAccept):
        tag = wish.lower().replace("_", "-")
        found = ours.get(tag) or ours.get(tag.partition("-")[0])
        if found and quality > 0:
            return found
    return _SOURCE


def _read(file: Path) -> gettext.NullTranslations:
    """Let gettext read the compiled form, so that plurals follow the file's own rule."""
    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.stem)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
