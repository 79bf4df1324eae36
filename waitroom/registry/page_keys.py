"""The key `page:` of hosts.yaml: its shape, and the way from it to a Branding.

Reads the logo, once, as hosts.yaml is read: it goes into every page, so it must be there and small.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from waitroom.errors import ConfigError
from waitroom.language.languages import languages
from waitroom.registry.branding import DARK_PAPER, LIGHT_PAPER, Branding, paint

# With it the page still fits into the first 14 KB that a server may send.
LOGO_BYTES = 5 << 10

_Line = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\n]*\Z")]
_Text = Annotated[str, Meta(min_length=1, max_length=500)]
_Colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]
_File = Annotated[str, Meta(min_length=1)]


class PageKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """How the waiting page of a host looks; files are named relative to hosts.yaml."""

    title: _Line | None = None
    logo: _File | None = None  # SVG or PNG
    colour: _Colour | None = None
    message: _Text | dict[str, _Text] = ""  # one for all, or one a language
    template: _File | None = None  # a folder


def branding(keys: PageKeys, folder: Path, path: str) -> Branding:
    """Check what is written and read what it names. Raises: ConfigError that begins with path."""
    messages = keys.message if isinstance(keys.message, dict) else {"": keys.message}
    for tag in messages:
        if tag:
            known_language(tag, f"{path}.message")
    template = folder / keys.template if keys.template else None
    if template and not template.is_dir():
        raise ConfigError(f"{path}.template: there is no folder {template}")
    return Branding(
        title=keys.title,
        logo=_logo(folder / keys.logo, f"{path}.logo") if keys.logo else None,
        light=paint(keys.colour, LIGHT_PAPER) if keys.colour else None,
        dark=paint(keys.colour, DARK_PAPER) if keys.colour else None,
        messages=tuple(messages.items()),
        template=template.absolute() if template else None,
    )


def known_language(tag: str, path: str) -> str:
    """Return the tag of a language that there is. Raises: ConfigError."""
    if tag not in languages():
        raise ConfigError(f"{path}: there is no language {tag!r}, only {', '.join(languages())}")
    return tag


def _logo(file: Path, path: str) -> str:
    try:
        with file.open("rb") as source:
            content = source.read(LOGO_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {file} can't be read ({error.strerror})") from None
    if len(content) > LOGO_BYTES:
        raise ConfigError(f"{path}: {file} has more than {LOGO_BYTES} bytes; every page carries it")
    return f"data:{_kind(content, file, path)};base64,{base64.b64encode(content).decode()}"


def _kind(content: bytes, file: Path, path: str) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<svg", b"<?xml", b"<!--")):
        return "image/svg+xml"
    raise ConfigError(f"{path}: {file} is neither SVG nor PNG")
