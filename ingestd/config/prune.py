"""Leaves out of a configuration what is wrong, so that the rest can be checked as a whole."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.config.findings import Loc


def without(tree: dict[str, object], bad: Iterable[Loc]) -> tuple[dict[str, object], list[int]]:
    """Return a copy of a tree without the bad places, and the numbers of the folders that stay.

    A folder whose path is bad goes as a whole; of a list with a bad item the whole key goes, which
    then has its default.
    """
    rest = copy.deepcopy(tree)
    dropped: set[int] = set()
    for loc in bad:
        _drop(rest, loc, dropped)
    folders = rest.get("folders")
    if not isinstance(folders, list):  # one folder written as a text
        if dropped:
            rest.pop("folders", None)
        return rest, [0]
    kept = [number for number in range(len(folders)) if number not in dropped]
    rest["folders"] = [folders[number] for number in kept]
    return rest, kept


def concerns(bad: Iterable[Loc], loc: Loc) -> bool:
    """Tell whether a bad place is this one, lies in it or has it inside."""
    return any(loc[: len(one)] == one or one[: len(loc)] == loc for one in bad)


def _drop(tree: dict[str, object], loc: Loc, dropped: set[int]) -> None:
    match loc:
        case ("folders", int(number)) | ("folders", int(number), "path"):
            dropped.add(number)
            return
    last = max(index for index, part in enumerate(loc) if isinstance(part, str))
    parent: Any = tree
    try:
        for part in loc[:last]:
            parent = parent[part]
        parent.pop(loc[last], None)
    except (LookupError, TypeError, AttributeError):  # something around it is no mapping
        tree.pop(str(loc[0]), None)
