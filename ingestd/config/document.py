"""The YAML file as texts with line numbers (YAML 1.1, read by PyYAML; interface 4).

No scalar is ever taken for a number, a date or a truth value: the schema decides what a text
means. Only an empty plain value, `null` and `~` become None. Nothing in the file can make Python
objects, and aliases cannot grow it beyond bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from ingestd.config.nodes import Builder, TooLargeError
from ingestd.config.syntax import explain
from ingestd.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.config.findings import Finding, Loc
    from ingestd.config.nodes import Mark

_LARGEST_FILE = 256 * 1024  # bytes
_DEEPEST = 24  # levels; the schema has five
_LEAST = "the least it needs is `folders: [/path/to/videos]`"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content: texts, None, lists and mappings with text keys."""

    source: str
    tree: dict[str, object]
    marks: Mapping[Loc, Mark]
    findings: tuple[Finding, ...]  # what is wrong with it as YAML, though it could be read

    def mark(self, loc: Loc) -> Mark | None:
        """Return the mark of a value, or of the nearest thing around it that is there."""
        around = (loc[:length] for length in range(len(loc), 0, -1))
        return next((self.marks[place] for place in around if place in self.marks), None)


def read(path: Path) -> Document:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or is no YAML mapping.
    """
    source = str(path)
    text = _text(path)
    root = _compose(text, source)
    if root is None:
        raise ConfigError(source, (Problem(f"the file is empty; {_LEAST}"),))
    if not isinstance(root, yaml.MappingNode):
        message = f"must hold keys, with a colon and a blank behind each; {_LEAST}"
        raise ConfigError(source, (Problem(message, line=root.start_mark.line + 1),))
    builder = Builder(text)
    try:
        tree = builder.mapping(root, ())
    except TooLargeError as error:
        raise ConfigError(source, (Problem(str(error)),)) from None
    return Document(source, tree, builder.marks, tuple(builder.findings))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), (Problem(_unreadable(error)),)) from None
    if len(content) > _LARGEST_FILE:
        message = f"is larger than {_LARGEST_FILE // 1024} KiB: that is no configuration"
        raise ConfigError(str(path), (Problem(message),))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "is not written in UTF-8: save the file as UTF-8"
        raise ConfigError(str(path), (Problem(message, line=line),)) from None


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; name the right one with -c FILE or INGESTD_CONFIG"
    if isinstance(error, IsADirectoryError):
        return "is a directory; name the configuration file in it"
    if isinstance(error, PermissionError):
        return "may not be read by this user; change its owner or its mode"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses depths that no configuration has."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem="it is nested too deeply", problem_mark=self.get_mark()
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str, source: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(source, (explain(error, text),)) from None
