"""What changed rules would do with files that were rejected before: said, and not done (R6)."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from ingestd.journal import Selection
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Validate
    from ingestd.journal import Journal
    from ingestd.model import Item

#: So many rejected files are looked at; where there are more, the number is a lower bound.
MOST = 10_000
_REASONS = frozenset({Reason.TOO_LARGE, Reason.EMPTY, Reason.CODEC, Reason.EXTENSION})


def would_be_taken(journal: Journal, before: Validate, after: Validate) -> str:
    """Say how many rejected files the new rules do not reject any more; "" if none."""
    if before == after:
        return ""
    chosen = Selection(frozenset({State.REJECTED}), _REASONS, limit=MOST, newest=True)
    rejected = list(journal.items(chosen))
    taken = Counter(item.reason.value for item in rejected if item.reason and passes(item, after))
    if not taken:
        return ""
    files = taken.total()
    some = "at least " if len(rejected) == MOST else ""
    what = "file" if files == 1 else "files"
    reasons = ",".join(sorted(taken))
    return f"{some}{files} rejected {what} would be taken now: ingestd retry --reason {reasons}"


def passes(item: Item, rules: Validate) -> bool:
    """Tell whether the reason for which a file was rejected holds no more."""
    size = item.stat.size if item.stat else 0
    tests: dict[Reason | None, Callable[[], bool]] = {
        Reason.TOO_LARGE: lambda: size <= rules.max_size,
        Reason.EMPTY: lambda: 0 < size >= rules.min_size,
        Reason.CODEC: lambda: item.codec in rules.codecs,
        Reason.EXTENSION: lambda: _extension(item.path) in rules.extensions,
    }
    test = tests.get(item.reason)
    return test is not None and test()


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - odd bytes
