"""YAML as a tree that knows where each part of it stands in the text, and what it means.

Pure. Anchors, aliases and merge keys are seen through: what is behind them stands where its anchor
is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from waitroom import yaml_faults
from waitroom.errors import ConfigError

_MERGE = "tag:yaml.org,2002:merge"

# An alias of a scalar, as a node where it stands, and the node that it stands for.
Alias = tuple[yaml.Node, yaml.Node]


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a collection; in a sequence `key` and `value` are the same node."""

    key: yaml.Node
    value: yaml.Node
    within: yaml.CollectionNode

    @property
    def is_item(self) -> bool:
        """Whether it is of a sequence."""
        return self.key is self.value


def compose(text: str) -> tuple[yaml.Node | None, list[Alias]]:
    """Read one document, None if it is empty. Raises: ConfigError without the file's name."""
    try:
        loader = _Loader(text)
        return loader.get_single_node(), loader.aliases
    except yaml.YAMLError as error:
        raise ConfigError(yaml_faults.plain(error)) from None


def line(node: yaml.Node) -> int:
    """Return the line on which it begins, as an editor counts."""
    return int(node.start_mark.line) + 1


def own(node: yaml.Node | None) -> Iterator[Entry]:
    """Return the entries that stand in a collection itself, merge keys among them."""
    if isinstance(node, yaml.MappingNode):
        yield from (Entry(key, value, node) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from (Entry(item, item, node) for item in node.value)


def pairs(node: yaml.Node | None) -> list[Entry]:
    """List the pairs of a mapping, its own before those that it merges; none of another node.

    Raises: ConfigError for a key that is given twice, which Compose refuses, too.
    """
    found: dict[object, Entry] = {}
    merged: list[yaml.Node] = []
    for one in own(node) if isinstance(node, yaml.MappingNode) else ():
        if one.key.tag == _MERGE:
            merged += one.value.value if isinstance(one.value, yaml.SequenceNode) else [one.value]
        elif found.setdefault(_name(one), one) is not one:
            raise ConfigError(f"line {line(one.key)}: {one.key.value!r} is given twice")
    for one in (one for mapping in merged for one in pairs(mapping)):
        found.setdefault(_name(one), one)
    return list(found.values())


def meaning(node: yaml.Node | None, instead: Mapping[Entry, Sequence[Entry]]) -> object:
    """Return what a tree means, however it is written, with other entries instead of some."""
    if isinstance(node, yaml.MappingNode):
        found = [one for entry in pairs(node) for one in instead.get(entry, [entry])]
        # The first of a name counts: one that is merged gives way.
        return node.tag, {
            repr(meaning(one.key, instead)): meaning(one.value, instead) for one in reversed(found)
        }
    if isinstance(node, yaml.SequenceNode):
        items = [one for entry in own(node) for one in instead.get(entry, [entry])]
        return node.tag, [meaning(one.key, instead) for one in items]
    return node and (node.tag, node.value)


def scalars(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.Node]:
    """Return each once; of the nodes whose `id` was seen neither themselves nor their keys."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    for one in own(node):
        if id(one.value) not in seen:
            seen |= {id(one.value)}
            yield from scalars(one.key, seen)
            if not one.is_item:
                yield from scalars(one.value, seen)


class _Loader(yaml.SafeLoader):
    """Tells where an alias of a scalar stands, not only where its anchor is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases: list[Alias] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        alias = self.peek_event() if self.check_event(yaml.AliasEvent) else None  # type: ignore[no-untyped-call] # PyYAML's
        node = super().compose_node(parent, index)
        if alias is None or not isinstance(node, yaml.ScalarNode):
            return node
        here = copy.copy(node)
        here.start_mark, here.end_mark = alias.start_mark, alias.end_mark
        self.aliases.append((here, node))
        return here


def _name(entry: Entry) -> object:
    return entry.key.value if isinstance(entry.key, yaml.ScalarNode) else entry.key
