"""The labels of a Compose file, where they stand in its text, so that one can be edited alone.

Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from waitroom import yaml_faults
from waitroom.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a service."""

    service: str
    key: str
    value: str
    entry: tuple[int, int]  # from the beginning of its line to the beginning of the next
    head: str  # what stands before it on its line: indentation, and `- ` in a list
    is_item: bool  # `- key=value`, not `key: value`

    def written(self, key: str, value: str) -> str:
        """Write another label as this one is written, as a line."""
        text = f"{key}={value}" if self.is_item else value
        dumped = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
        quoted = dumped.rstrip("\n")
        return f"{self.head}{quoted}\n" if self.is_item else f"{self.head}{key}: {quoted}\n"


def images(text: str) -> Iterator[tuple[str, str]]:
    """Return each service with its image. Raises: ConfigError if this is no Compose file."""
    for service, node in _services(text):
        for key, value in _pairs(node):
            if key.value == "image":
                yield service, str(value.value)


def labels(text: str) -> Iterator[Label]:
    """Return all labels. Raises: ConfigError if they can't be edited."""
    for service, node in _services(text):
        for key, value in _pairs(node):
            if key.value == "labels":
                yield from _entries(text, service, value)


def _services(text: str) -> Iterator[tuple[str, yaml.Node]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(yaml_faults.plain(error)) from None
    except RecursionError as error:  # a nest without end
        raise ConfigError(f"is not YAML that we can read: {error}") from None
    services = [value for key, value in _pairs(root) if key.value == "services"]
    if not services:
        raise ConfigError("has no services; is it a Compose file?")
    for key, node in _pairs(services[0]):
        yield str(key.value), node


def _entries(text: str, service: str, node: yaml.Node) -> Iterator[Label]:
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        line = node.start_mark.line + 1
        raise ConfigError(f"line {line}: give each label of {service} a line of its own first")
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            name, _, value = str(item.value).partition("=")
            yield _label(text, service, (name, value), item, item)
    for key, of in _pairs(node):
        yield _label(text, service, (str(key.value), str(of.value)), key, of)


def _label(
    text: str, service: str, pair: tuple[str, str], first: yaml.Node, last: yaml.Node
) -> Label:
    start = text.rfind("\n", 0, first.start_mark.index) + 1
    end = text.find("\n", max(first.end_mark.index, last.end_mark.index - 1))
    return Label(
        service, *pair,
        entry=(start, len(text) if end < 0 else end + 1),
        head=text[start : first.start_mark.index],
        is_item=first is last,
    )  # fmt: skip


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []
