"""Counts that triggers keep, so that nothing scans to count (architecture, choice 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingestd.journal.values import Tally
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.journal.connection import Database


class Group(NamedTuple):
    """Rows that share the first four values, and what they amount to."""

    state: str
    folder: str | None
    reason: str | None
    hidden: int
    files: int
    bytes: int
    ms: int


_QUERY = """
SELECT state, nullif(folder, ''), nullif(reason, ''), hidden, files, bytes, ms
FROM tallies WHERE files > 0
"""


def groups(database: Database) -> list[Group]:
    """Every group that has rows."""
    return [Group(*row) for row in database.rows(_QUERY)]


def tallies(database: Database) -> tuple[Tally, ...]:
    """The groups of listed rows; words that no release writes are left out, as in a listing."""
    return tuple(
        Tally(
            group.folder,
            State(group.state),
            Reason(group.reason) if group.reason else None,
            group.files,
            group.bytes,
            group.ms / 1000,
        )
        for group in groups(database)
        if not group.hidden and group.state in _STATES and group.reason in _REASONS
    )


_STATES = frozenset(state.value for state in State)
_REASONS = frozenset({None, *(reason.value for reason in Reason)})
