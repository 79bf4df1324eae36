"""The templates: ours, and before them those of an operator's own folder, if hosts.yaml names one.

A template of an operator may have any fault, and no visitor may suffer for it: then ours is shown,
and the log says so once.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

import jinja2

log = logging.getLogger(__name__)

_OURS = Path(__file__).with_name("templates")
_REMEMBERED = 256  # folders


def render(name: str, folder: Path | None, values: dict[str, Any]) -> str:
    """Return a template with these values in it, ours where the folder's own has a fault."""
    if folder:
        try:
            return _template(name, folder).render(values)
        except Exception as error:  # noqa: BLE001 - a template is a program of the operator's
            _complain(folder, f"{type(error).__name__}: {error}")
    return _template(name, None).render(values)


def fault(name: str, folder: Path, values: dict[str, Any]) -> str | None:
    """Return what is wrong with a folder's template, if anything; the log says nothing."""
    try:
        _template(name, folder).render(values)
    except Exception as error:  # noqa: BLE001 - the same
        return f"{type(error).__name__}: {error}"
    return None


@functools.cache
def _complain(folder: Path, text: str) -> None:
    log.error("page.template %s: %s; our own page is shown instead", folder, text)


def _template(name: str, folder: Path | None) -> jinja2.Template:
    # jinja sees that a file was edited, and not that one came which goes before ours.
    return _environment(folder, folder.stat().st_mtime_ns if folder else 0).get_template(name)


@functools.lru_cache(_REMEMBERED)
def _environment(folder: Path | None, _changed_ns: int) -> jinja2.Environment:
    ours = jinja2.FileSystemLoader(_OURS)
    # `{% extends "ours/page.html" %}` changes a block of a page and keeps the rest.
    loaders = [jinja2.FileSystemLoader(folder)] if folder else []
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([*loaders, ours, jinja2.PrefixLoader({"ours": ours})]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=folder is not None,
    )
