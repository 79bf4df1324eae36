"""A Compose file whose labels can be changed where they stand, and nothing else of it.

Pure. The text is edited, not written anew, so comments, order, quotes and anchors stay; a label
behind an alias or a merge key is changed where it stands, for all that use it. What was edited is
read again: it means what it did but for those labels, or is refused. So nothing rests on whether
each way of writing YAML was thought of here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from waitroom.errors import ConfigError
from waitroom.labels import yaml_places
from waitroom.labels.yaml_places import Entry, line, own, pairs

_TEXT = "tag:yaml.org,2002:str"

Pair = tuple[str, str]
# What stands where an entry stood; nothing: it goes.
Edits = Mapping[Entry, Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a service."""

    service: str
    key: str
    value: str
    entry: Entry  # the same for all services that share it


class ComposeFile:
    """The services of a text. Raises: ConfigError if this is no Compose file."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self._root, self._aliases = yaml_places.compose(text)
            self._meaning = yaml_places.meaning(self._root, {})
            services = pairs(_of(self._root, "services"))
        except RecursionError as error:  # a nest without end
            raise ConfigError(f"is not YAML that we can read: {error}") from None
        if not services:
            raise ConfigError("has no services; is it a Compose file?")
        self._services = {str(one.key.value): one.value for one in services}

    def labels(self) -> list[Label]:
        """List the labels of all services; a shared one as often as it is used."""
        return [
            label
            for service, node in self._services.items()
            for label in _labels(service, _of(node, "labels"))
        ]

    def images(self) -> dict[str, str]:
        """Return the image of each service that names one."""
        found = {service: _of(node, "image") for service, node in self._services.items()}
        return {service: str(image.value) for service, image in found.items() if image}

    def other_scalars(self, without: Collection[str]) -> Iterator[yaml.Node]:
        """Return each that is in no service's labels, and not of some services."""
        skip = {id(node) for service, node in self._services.items() if service in without}
        return yaml_places.scalars(
            self._root, skip | {id(one.entry.within) for one in self.labels()}
        )

    def edited(self, instead: Mapping[Entry, Sequence[Pair]]) -> str:
        """Return the text with other labels. Raises: ConfigError where that can't be done."""
        edits = {old: [_new(old, pair) for pair in pairs_] for old, pairs_ in instead.items()}
        self._demand_no_other_use(edits)
        text = self._text
        for old in sorted(edits, key=_start, reverse=True):
            text = (_in_flow if old.within.flow_style else _in_block)(text, old, edits)
        try:
            after = ComposeFile(text)
        except ConfigError:
            after = None
        if after is None or after._meaning != yaml_places.meaning(self._root, edits):  # noqa: SLF001 - its own class
            lines = ", ".join(map(str, sorted({line(old.key) for old in edits})))
            raise ConfigError(
                f"line {lines}: can't be edited as it is written; write each label in a line of its"
                " own, without anchors, first"
            )
        return text

    def _demand_no_other_use(self, edits: Edits) -> None:
        """Demand that no alias elsewhere stands for what goes."""
        stays = {id(node) for new in edits.values() for one in new for node in (one.key, one.value)}
        goes = {id(node) for old in edits for node in (old.key, old.value)} - stays
        for alias, anchored in self._aliases:
            if id(anchored) in goes and id(alias) not in goes:
                raise ConfigError(
                    f"line {line(alias)}: {_source(self._text, alias)} stands for a part of a label"
                    f" that changes, in line {line(anchored)}; write it out first"
                )


def _labels(service: str, node: yaml.Node | None) -> Iterator[Label]:
    for entry in own(node) if isinstance(node, yaml.SequenceNode) else pairs(node):
        if isinstance(entry.key, yaml.ScalarNode) and isinstance(entry.value, yaml.ScalarNode):
            key, value = entry.key.value, entry.value.value
            if entry.is_item:
                key, _, value = key.partition("=")
            yield Label(service, key, value, entry)


def _of(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((one.value for one in pairs(node) if one.key.value == key), None)


def _new(old: Entry, pair: Pair) -> Entry:
    """Make another in its place, of its own key or value where these stay."""
    key, value = pair
    if old.is_item:
        item = yaml.ScalarNode(_TEXT, f"{key}={value}")
        return Entry(item, item, old.within)
    return Entry(
        old.key if key == old.key.value else yaml.ScalarNode(_TEXT, key),
        old.value if value == old.value.value else yaml.ScalarNode(_TEXT, value),
        old.within,
    )


def _in_block(text: str, old: Entry, edits: Edits) -> str:
    """Edit lines: the first of the new takes the old one's place, the others follow below it."""
    start, end = _start(old), _end(text, old.value)
    begin = text.rfind("\n", 0, start) + 1
    below = text.find("\n", max(end, old.value.end_mark.index - 1)) + 1 or len(text)
    head, rest, break_ = text[begin:start], text[end:below], "\r\n" if "\r\n" in text else "\n"
    first, *others = [_written(text, old, new) for new in edits[old]] or [""]
    if not first and _is_last(old, edits):  # Compose refuses `labels:` without any
        head, first = head.replace("-", " "), "[]" if old.is_item else "{}"
    if not first:
        return text[:begin] + text[below:]
    if others and not rest.endswith("\n"):
        rest += break_
    more = "".join(f"{head}{one}{break_}" for one in others)
    return f"{text[:begin]}{head}{first}{rest}{more}{text[below:]}"


def _in_flow(text: str, old: Entry, edits: Edits) -> str:
    """Edit what stands between two commas; what goes takes one with it."""
    before, after = text[: _start(old)], text[_end(text, old.value) :]
    new = [_written(text, old, one) for one in edits[old]]
    comma = None if new else re.match(r"\s*,\s*", after)
    if comma:
        return before + after[comma.end() :]
    return (before if new else re.sub(r"\s*,\s*\Z", "", before)) + ", ".join(new) + after


def _is_last(old: Entry, edits: Edits) -> bool:
    """Whether its collection is empty without it, as edits are made from the end on."""
    return old == next(own(old.within)) and not any(
        edits.get(one, (one,)) for one in own(old.within)
    )


def _written(text: str, old: Entry, new: Entry) -> str:
    if new.is_item:
        return _quoted(new.key)
    key = _source(text, old.key) if new.key is old.key else str(new.key.value)
    if new.value is old.value:
        return key + text[old.key.end_mark.index : _end(text, old.value)]
    return f"{key}: {_quoted(new.value)}"


def _quoted(node: yaml.Node) -> str:
    dumped = yaml.safe_dump(node.value, default_style='"', allow_unicode=True, width=math.inf)
    return str(dumped).rstrip("\n")


def _start(entry: Entry) -> int:
    return int(entry.key.start_mark.index)


def _end(text: str, node: yaml.Node) -> int:
    """Return where it ends; that of a block scalar is at the beginning of a later line."""
    return int(node.start_mark.index) + len(_source(text, node))


def _source(text: str, node: yaml.Node) -> str:
    return text[node.start_mark.index : node.end_mark.index].rstrip()
