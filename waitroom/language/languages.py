"""Which languages there are: English, that of the sources, and one a catalogue in locale/."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("locale")
SOURCE = "en"


def languages() -> tuple[str, ...]:
    """Return the tag of each language, the source's own first."""
    return (SOURCE, *sorted(file.stem.replace("_", "-") for file in FOLDER.glob("*.po")))
