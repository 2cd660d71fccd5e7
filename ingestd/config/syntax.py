"""What PyYAML says about a broken file, as a sentence with the usual mistake behind it."""

from __future__ import annotations

import re

import yaml

from ingestd.config.leaks import presentable
from ingestd.errors import Problem

_BEFORE = r"(?:^\s*|[:,\[-]\s*)"  # what may stand before a plain text
_MISTAKES = (
    (re.compile(r"^ *\t"), "indent with blanks, not with tabs"),
    (re.compile(_BEFORE + r"\*"), "a text that begins with * needs quotes"),
    (re.compile(_BEFORE + r"!"), "a text that begins with ! needs quotes"),
    (re.compile(_BEFORE + r"\{\w+\}\s*[^\s,\]}#]"), "put a text with {braces} in quotes"),
    (
        re.compile(_BEFORE + r"[@`%&|>]"),
        "put a text that begins with a special character in quotes",
    ),
    (re.compile(r"^\s*[\w-]+:[^\s]"), "put a blank behind the colon"),
)
_NOTICED_LATER = ("quoted scalar", "simple key")  # in a later line than the one with the mistake
_TWO_DOCUMENTS = (
    "is not valid YAML: there is more than one document; take out the line with ---, or what "
    "does not belong here"
)
_USUAL = "look for a missing blank behind a colon, for quotes and for the indentation"


def explain(error: yaml.YAMLError, text: str) -> Problem:
    """Return the problem of a file that is no YAML; the file's text is where its cause is found."""
    if isinstance(error, yaml.reader.ReaderError):
        message = f"holds the character #x{error.character:04x}: take it out"
        return Problem(message, line=text.count("\n", 0, error.position) + 1)
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(f"is not valid YAML; {_USUAL}")
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    if any(what in (error.context or "") for what in _NOTICED_LATER):
        marks.reverse()
    if "single document" in (error.context or ""):
        return Problem(_TWO_DOCUMENTS, line=marks[0].line + 1 if marks else None)
    lines = text.splitlines()
    near = [lines[mark.line] for mark in marks if mark.line < len(lines)]
    line = marks[0].line + 1 if marks else None
    return Problem(f"is not valid YAML: {_reason(error)}; {_mistake(near)}", line=line)


def _reason(error: yaml.MarkedYAMLError) -> str:
    return presentable(f"{error.problem} {error.context or ''}".strip())


def _mistake(lines: list[str]) -> str:
    return next(
        (hint for line in lines for shape, hint in _MISTAKES if shape.search(line)),
        _USUAL,
    )
