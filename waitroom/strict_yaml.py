"""YAML as people write it into hosts.yaml and labels, where what may be misread is a fault.

A key given twice is no victory of the last one, a tag makes nothing that our keys don't know, and a
text is one that files and requests can hold. Pure.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from waitroom import yaml_faults
from waitroom.errors import ConfigError

_KINDS = frozenset({"null", "bool", "int", "float", "timestamp", "str", "seq", "map"})
_TAG = "tag:yaml.org,2002:"
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # quoted as \0 or \ud800


def read(text: str) -> object:
    """Decode one document. Raises: ConfigError, one line with its place in the text."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, too
    except yaml.YAMLError as error:
        raise ConfigError(yaml_faults.plain(error)) from None
    except RecursionError:
        raise ConfigError("is nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """PyYAML's safe one, admitting less."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002, ANN401 - PyYAML's signature
        kind = node.tag.removeprefix(_TAG)
        if kind not in _KINDS:
            raise _fault(f"the tag {kind!r} means nothing here; leave it out", node)
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError):  # as PyYAML meets what does not fit
            raise _fault(f"{node.value!r} is no {kind}; in quotes it is text", node) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:  # noqa: ANN401 - PyYAML's
        if isinstance(node, yaml.ScalarNode) and _NO_TEXT.search(node.value):
            raise _fault("holds a character that no file and no request can hold", node)
        return super().construct_scalar(node)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take in what `<<` names; each mapping comes by here before it is made."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault("a key must be a name, not a list or a mapping", key)
            if key.value in seen:
                raise _fault(f"{key.value!r} is given twice; remove one", key)
            seen.add(key.value)
        super().flatten_mapping(node)
        # What comes by several ways stands once, else ten lines could make a billion keys.
        node.value = list({key.value: (key, value) for key, value in node.value}.values())


def _fault(problem: str, node: yaml.Node) -> ConstructorError:
    return ConstructorError(None, None, problem, node.start_mark)
