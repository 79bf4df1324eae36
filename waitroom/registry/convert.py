"""From what YAML says to a shape of ours, or to its fault in the words of who edits it. Pure."""

from __future__ import annotations

import enum
import re
from typing import TypeVar, get_args

import msgspec

from waitroom.errors import ConfigError, did_you_mean
from waitroom.kinds import Kind
from waitroom.registry.values import Duration, Gate, Route, Sleep
from waitroom.registry.windows import Windows

_T = TypeVar("_T")


def convert(raw: object, shape: type[_T], path: str) -> _T:
    """Check raw against a shape; a fault becomes a ConfigError with its path in our notation."""
    try:
        return msgspec.convert(raw, shape, dec_hook=_decode)
    except msgspec.ValidationError as error:
        fault, _, where = str(error).partition(" - at ")
        where = f"{path}{where.rpartition('$')[2].rstrip('`')}".lstrip(".")
        plain = _plain(fault, shape, where)
        raise ConfigError(f"{where}: {plain}" if where else plain) from None


def _decode(shape: type, value: object) -> object:
    if shape is Duration:
        return Duration.parse(value)
    if shape is Windows:
        return Windows.parse(value)
    raise NotImplementedError(shape)


_CHOICES: dict[str, type[enum.StrEnum]] = {
    "gate": Gate,
    "kinds": Kind,
    "route": Route,
    "sleep": Sleep,
}


# What msgspec calls the types of a decoded document.
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a time",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a mapping",
    "str": "text",
}
# What text of a certain form stands for, by its key; others are told by their pattern.
_FORMS = {
    "colour": "a colour such as #1a2b3c",
    "container": "a container's name or id",
    "currency": "three capital letters such as IDR",
    "entry_points": "the name of an entry point",
    "group": "a container's name or id",
    "instance": "the name of a VM",
    "path": "a path such as /health",
    "project": "the id of a project such as my-project",
    "require_label": "KEY=VALUE",
    "tokens": "a digest, as `python -m waitroom token` prints it",
    "url": "http://… or https://…",
    "zone": "a zone such as asia-southeast2-a",
}
# YAML took for something else what was meant as text.
_UNQUOTED = r"Expected `[a-z |]*\bstr\b[a-z |]*`, got `(bool|date|datetime|float|int)`"


def _plain(fault: str, shape: type, where: str) -> str:
    """Say msgspec's fault in the words of somebody who edits a YAML file."""
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", fault)
    if unknown:
        return f"unknown key {unknown[1]!r}" + did_you_mean(unknown[1], _known(shape, _key(where)))
    value = re.fullmatch(r"Invalid enum value (.*)", fault)
    if value:
        return f"{value[1]} is none of {', '.join(_CHOICES[_key(where)])}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", fault)
    if missing:
        return f"the key {missing[1]!r} is missing"
    if "matching regex" in fault and _key(where) in _FORMS:
        return f"expected {_FORMS[_key(where)]}"
    hint = "; in quotes it is text" if re.fullmatch(_UNQUOTED, fault) else ""
    return re.sub(r"`([a-z]+(?: \| [a-z]+)*)`", _in_words, fault) + hint


def _key(where: str) -> str:
    """Return the last key of a path."""
    return where.rpartition(".")[2].partition("[")[0]


def _in_words(types: re.Match[str]) -> str:
    return " or ".join(_WORDS.get(name, name) for name in types[1].split(" | "))


def _known(shape: type, key: str) -> list[str]:
    """List the keys of the mapping under this key of a shape, else of the shape, to suggest one."""
    types = {field.name: field.type for field in msgspec.structs.fields(shape)}
    inner = (types.get(key), *get_args(types.get(key)))
    parts = [one for one in inner if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return [field.name for field in msgspec.structs.fields(parts[0] if parts else shape)]
