"""From YAML nodes to texts, lists and mappings, with a mark where each stood (YAML 1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from ingestd.config.findings import Finding
from ingestd.config.leaks import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.config.findings import Loc

_MOST_NODES = 50_000  # after aliases are followed
_DEEPEST = 24  # levels; an alias can stand inside of what it names
_SHOWN = 60  # characters of a value in a message
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = {_MERGE} | {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "seq", "map")
}


class TooLargeError(Exception):
    """The file, its aliases followed, has more values or levels than a configuration can have."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value stands: lines count from 1; `text` is the value as written, cut short."""

    loc: Loc
    key_line: int
    value_line: int
    scalar: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    line: int
    value: yaml.Node


@dataclass(slots=True)
class Builder:
    """Makes the tree; notes marks by place, and findings about what YAML allows and we do not."""

    source: str  # the file's text
    marks: dict[Loc, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _nodes: int = 0

    def mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
        """Return a mapping's values by key; a key's own value goes before a merged one.

        Raises:
            TooLargeError: it has too many values or levels.
        """
        entries = {entry.key: entry for entry in self._merged(node, loc)}
        own: dict[str, _Entry] = {}
        for entry in self._entries(node, loc):
            if entry.key in own:
                self._twice(entry, own[entry.key], loc)
            else:
                own[entry.key] = entry
        entries |= own
        return {key: self._value(entry, (*loc, key)) for key, entry in entries.items()}

    def _value(self, entry: _Entry, loc: Loc) -> object:
        node = entry.value
        self._bound(len(loc))
        self.marks[loc] = self._mark(entry, loc)
        if node.tag not in _PLAIN_TAGS:
            message = f"is read as the tag {node.tag}: a text that begins with ! needs quotes"
            self._note(message, loc, node)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [
                self._value(_Entry("", item.start_mark.line + 1, item), (*loc, index))
                for index, item in items
            ]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return None if plain and node.value in _NULLS else str(node.value)

    def _entries(self, node: yaml.MappingNode, loc: Loc) -> Iterator[_Entry]:
        """Walk a mapping's own entries."""
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            if isinstance(key, yaml.ScalarNode):
                yield _Entry(str(key.value), key.start_mark.line + 1, value)
            else:
                self._note("holds a key that is no text: put it in quotes", loc, key)

    def _merged(self, node: yaml.MappingNode, loc: Loc, depth: int = 0) -> Iterator[_Entry]:
        """Walk what `<<` brings in; of several mappings the first one decides, so it comes last."""
        self._bound(depth)
        for key, value in node.value:
            if key.tag != _MERGE:
                continue
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in reversed(sources):
                if isinstance(source, yaml.MappingNode):
                    yield from self._merged(source, loc, depth + 1)
                    yield from self._entries(source, loc)
                else:
                    self._note("must name a mapping behind << such as *defaults", loc, source)

    def _bound(self, depth: int) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            message = f"holds more than {_MOST_NODES} values, each alias counted as what it names"
            raise TooLargeError(message)
        if depth > _DEEPEST:
            raise TooLargeError("is nested too deeply: does an alias stand in what it names?")

    def _twice(self, entry: _Entry, first: _Entry, loc: Loc) -> None:
        message = f"is there twice, in line {first.line} too: leave one of the two out"
        place = (*loc, entry.key)
        self.findings.append(Finding(place, message, show_value=False, line=entry.line))

    def _note(self, message: str, loc: Loc, node: yaml.Node) -> None:
        line = node.start_mark.line + 1
        self.findings.append(Finding(loc, message, show_value=False, line=line))

    def _mark(self, entry: _Entry, loc: Loc) -> Mark:
        node, scalar = entry.value, isinstance(entry.value, yaml.ScalarNode)
        text = node.value if scalar else self.source[node.start_mark.index : node.end_mark.index]
        text = " ".join(redacted(text).split())  # before it is cut: half a password is one, too
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
        return Mark(loc, entry.line, node.start_mark.line + 1, scalar, text)
