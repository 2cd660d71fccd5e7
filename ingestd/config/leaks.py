"""Keeps the API key out of the configuration file, and secrets out of what is said about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestd.config.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.config.findings import Loc

# Keys look like sk-mavi-..., older ones like sk- and 32 hexadecimal digits (contract 0.1). A name
# such as sk-bratislava-cam1 is none: what follows must be long, with a digit in it. The bounds keep
# the search linear in a file's length.
_KEY = re.compile(
    r"\bsk-(?:mavi-[\w-]+|(?:[A-Za-z0-9]{1,20}-){0,4}(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,})", re.ASCII
)
_LIKE_A_KEY = re.compile(r"(?:\b|(?=sk-mavi-))sk-[\w-]{6,}", re.ASCII)
_USER = re.compile(r"//\S{1,200}@")
_SECRET_NAMES = re.compile(r"(api[_-]?)?(key|token|secret)|authorization|password", re.IGNORECASE)
_REMEDY = (
    "the API key must not be in this file. Put it into a file of its own (chmod 600) and name that "
    "file as api.key_file; if others could read this file, make a new key"
)


def redacted(text: str) -> str:
    """Return a text without what looks like a key, or like the password in an address."""
    return _USER.sub("//...@", _LIKE_A_KEY.sub("sk-...", text))


def presentable(text: str) -> str:
    """Return a text for a terminal: without secrets, control characters and undecodable bytes."""
    return "".join(char if char.isprintable() else "?" for char in redacted(text))


def find(tree: object) -> Iterator[Finding]:
    """Find the API key in a configuration, by its shape or by the name that it stands under."""
    for loc, value in _walk(tree, ()):
        in_api = loc[:-1] == ("api",)
        named = (in_api or len(loc) == 1) and _SECRET_NAMES.fullmatch(str(loc[-1]))
        shaped = isinstance(value, str) and _KEY.search(value)
        if named or shaped or (in_api and str(value).startswith("sk-")):
            yield Finding(loc, _REMEDY, show_value=False)


def _walk(value: object, loc: Loc) -> Iterator[tuple[Loc, object]]:
    if loc:
        yield loc, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*loc, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*loc, index))
