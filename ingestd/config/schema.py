"""pydantic over the dataclasses of `settings`: a tree of texts in, settings or findings out."""

from __future__ import annotations

import dataclasses
from itertools import chain
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ingestd.config.findings import Finding, Loc, dotted
from ingestd.config.settings import Section, Settings
from ingestd.config.values import BadValueError, nearest


class Schema:
    """The validator of configuration trees; building it takes some 10 ms."""

    def __init__(self, home: str) -> None:
        self._adapter = TypeAdapter(Settings)
        self._sections = sections()
        self._home = home

    def validate(self, tree: dict[str, object]) -> Settings | tuple[Finding, ...]:
        """Return the settings that a tree means, or all that is wrong with its values."""
        try:
            return self._adapter.validate_python(tree, context=self._home)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            return tuple(self._finding(dict(one)) for one in found)

    def _finding(self, error: dict[str, Any]) -> Finding:
        loc: Loc = error["loc"]
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, BadValueError):
            return Finding(loc, cause.message, cause.suggestion)
        if error["type"] == "unexpected_keyword_argument":
            return Finding(loc, "is not a known key", self._meant(loc), show_value=False)
        if error["type"] == "missing":
            return Finding(loc, "is missing: every folder needs its path", show_value=False)
        return Finding(loc, str(error["msg"]))

    def _meant(self, loc: Loc) -> str:
        """Return the key that was most likely meant: one of this section, or its right place."""
        key = str(loc[-1])
        here = self._sections.get(_without_indexes(loc[:-1]), ())
        everywhere = dict.fromkeys(chain.from_iterable(self._sections.values()))
        return (
            self._elsewhere(key) or nearest(key, here) or self._elsewhere(nearest(key, everywhere))
        )

    def _elsewhere(self, key: str) -> str:
        """Return the full name of a key that only one section has, or ""."""
        places = [place for place, keys in self._sections.items() if key in keys]
        return _as_written(places[0], key) if len(places) == 1 else ""


def sections() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of each section, in order, by its place; `folders` stands for any of them."""
    return dict(_sections_of(Settings, ()))


def _sections_of(
    section: type, place: tuple[str, ...]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    hints = get_type_hints(section)
    keys = tuple(one.name for one in dataclasses.fields(section))
    found = [(place, keys)]
    for key in keys:
        for part in (hints[key], *get_args(hints[key])):
            if isinstance(part, type) and issubclass(part, Section):
                found += _sections_of(part, (*place, key))
    return found


def _without_indexes(loc: Loc) -> tuple[str, ...]:
    return tuple(part for part in loc if isinstance(part, str))


def _as_written(place: tuple[str, ...], key: str) -> str:
    return dotted((*place, key)).replace("folders.", "folders[0].")
