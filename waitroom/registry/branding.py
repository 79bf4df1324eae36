"""What makes a waiting page an operator's own: title, logo, colour, message, template.

Pure: `page_keys` makes it from hosts.yaml. A colour is taken as it is where it can be read on our
paper, and made darker or lighter where it can't, so no choice of an operator costs anybody's sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# The page's background in each scheme; pages/templates/style.html says the same (a test compares).
LIGHT_PAPER, DARK_PAPER = "#f7f5f0", "#11141c"
_BLACK, _WHITE = "#000000", "#ffffff"
_CONTRAST = 4.5  # WCAG 2.2 AA for text, which is more than bars and focus rings need
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour for one scheme, and that of words on it."""

    colour: str  # #rrggbb
    label: str


@dataclass(frozen=True, slots=True)
class Branding:
    """One host's page; what is None is ours."""

    title: str | None = None  # the app's name as people know it
    logo: str | None = None  # a data: URI
    light: Paint | None = None
    dark: Paint | None = None
    messages: tuple[tuple[str, str], ...] = ()  # language tag ("" for any) and plain text
    template: Path | None = None  # a folder whose templates come before ours

    def message(self, language: str) -> str:
        """Return the operator's own words in a language, or "" without any."""
        words = dict(self.messages)
        return words.get(language) or words.get("") or ""


def paint(colour: str, paper: str) -> Paint:
    """Return the colour nearest to a wish (#rrggbb) that can be read on a paper."""
    towards = max((_BLACK, _WHITE), key=lambda ink: contrast(ink, paper))
    steps = (_mixed(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    readable = next(mixed for mixed in steps if contrast(mixed, paper) >= _CONTRAST)
    return Paint(readable, max((_BLACK, _WHITE), key=lambda ink: contrast(ink, readable)))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in bytes.fromhex(colour[1:]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own numbers


def _mixed(colour: str, towards: str, share: float) -> str:
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(towards[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * share) for a, b in pairs).hex()
