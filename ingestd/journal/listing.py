"""Selections of rows: streamed by id in batches, or counted, without scanning where avoidable.

A listing first finds ids through an index, then fetches rows in batches and judges them again. So
a slow reader (a pager) holds no snapshot open, which would let the write-ahead log grow, and still
misses no row and sees none twice, whatever moves meanwhile.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ingestd.journal.reading import batches, items_where
from ingestd.journal.rows import split_path
from ingestd.journal.sql import places, select
from ingestd.journal.tally import groups
from ingestd.journal.values import Selection, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.journal.connection import Database, Row
    from ingestd.journal.tally import Group

_PAGE = 500
_LAST_ID = (1 << 63) - 1


def stream(database: Database, selection: Selection) -> Iterator[Row]:
    """The selected rows by id, `ITEM_COLUMNS` each."""
    condition, values = _condition(selection)
    for ids in batches(_ids(database, selection)):
        query = items_where(f"id IN ({places(ids)}) AND {condition} ORDER BY id")
        yield from database.rows(query, (*ids, *values))


def count(database: Database, selection: Selection) -> Totals:
    """What the selected rows amount to; `limit` and `newest` do not matter here."""
    if selection.ids:
        rows = _sums_by_id(database, selection)
    elif _lead(selection):
        condition, values = _condition(selection, _lead(selection))
        rows = database.rows(select(_SUMS, "items", condition), values)
    else:
        rows = [group[4:] for group in _chosen(database, selection)]
    files, size, ms = (sum(column) for column in zip((0, 0, 0), *rows, strict=True))
    return Totals(files, size, ms / 1000)


_SUMS = "count(*), ifnull(sum(size), 0), ifnull(sum(duration_ms), 0)"


def _sums_by_id(database: Database, selection: Selection) -> list[Row]:
    condition, values = _condition(selection)
    return [
        database.rows(
            select(_SUMS, "items", f"id IN ({places(ids)}) AND {condition}"), (*ids, *values)
        )[0]
        for ids in batches(sorted(set(selection.ids)))
    ]


def _ids(database: Database, selection: Selection) -> Iterable[int]:
    """The ids of a selection in ascending order, its limit applied.

    Where rows may come and go as they change, the ids are those of one moment: 8 bytes each.
    """
    backwards = selection.newest and selection.limit is not None
    if selection == replace(_EVERYTHING, hidden=selection.hidden):
        return _walk(database, "hidden IN (0, ?)", (int(selection.hidden),))
    with database.snapshot():
        if selection.ids:
            found = _ids_given(database, selection, backwards=backwards)
        elif _lead(selection):
            found = _ids_sorted(database, selection, backwards=backwards)
        else:
            found = _ids_merged(database, selection, backwards=backwards)
        chosen = array("q", islice(found, selection.limit))
    return reversed(chosen) if backwards else chosen


_EVERYTHING = Selection()


def _ids_given(database: Database, selection: Selection, *, backwards: bool) -> Iterator[int]:
    condition, values = _condition(selection)
    for ids in batches(sorted(set(selection.ids), reverse=backwards)):
        query = select("id", "items", f"id IN ({places(ids)}) AND {condition} ORDER BY id")
        found = [row[0] for row in database.rows(query, (*ids, *values))]
        yield from reversed(found) if backwards else found


def _ids_sorted(database: Database, selection: Selection, *, backwards: bool) -> Iterator[int]:
    condition, values = _condition(selection, _lead(selection))
    order = "DESC" if backwards else "ASC"
    limit = -1 if selection.limit is None else selection.limit
    # "+": else SQLite would rather walk all rows in their order than sort the few that match.
    query = select("id", "items", f"{condition} ORDER BY +id {order} LIMIT ?")
    return (row[0] for row in database.each(query, (*values, limit)))


def _ids_merged(database: Database, selection: Selection, *, backwards: bool) -> Iterator[int]:
    """Walk all rows, or each tallied group that is asked for, in the order of ids."""
    if selection.states or selection.reasons or selection.folder is not None:
        walks = [
            _walk(database, _GROUP, group[:4], backwards=backwards)
            for group in _chosen(database, selection)
        ]
        return heapq.merge(*walks, reverse=backwards)
    return _walk(database, "hidden IN (0, ?)", (int(selection.hidden),), backwards=backwards)


_GROUP = "state = ? AND folder IS ? AND reason IS ? AND hidden = ?"


def _walk(
    database: Database, condition: str, values: tuple[object, ...], *, backwards: bool = False
) -> Iterator[int]:
    onward = "id < ? ORDER BY id DESC" if backwards else "id > ? ORDER BY id"
    query = select("id", "items", f"{condition} AND {onward} LIMIT {_PAGE}")
    last = _LAST_ID if backwards else 0
    while page := database.rows(query, (*values, last)):
        yield from (row[0] for row in page)
        last = page[-1][0]


def _chosen(database: Database, selection: Selection) -> list[Group]:
    return [
        group
        for group in groups(database)
        if (not selection.states or group.state in selection.states)
        and (not selection.reasons or group.reason in selection.reasons)
        and selection.folder in (None, group.folder)
        and (selection.hidden or not group.hidden)
    ]


def _lead(selection: Selection) -> str:
    """The condition whose index finds the ids, where they must be sorted."""
    if selection.under is not None:
        return "under"
    return "since" if selection.since is not None else ""


def _condition(selection: Selection, lead: str = "") -> tuple[str, list[object]]:
    """The WHERE of a selection without its ids.

    A "+" before a column keeps SQLite from its index: only `lead` may choose one.
    """
    terms = ["+hidden IN (0, ?)"]
    values: list[object] = [int(selection.hidden)]
    if selection.states:
        terms.append(f"+state IN ({places(selection.states)})")
        values += sorted(state.value for state in selection.states)
    if selection.reasons:
        terms.append(f"+reason IN ({places(selection.reasons)})")
        values += sorted(reason.value for reason in selection.reasons)
    if selection.folder is not None:
        terms.append("+folder = ?")
        values.append(selection.folder)
    if selection.since is not None:
        terms.append(f"{'' if lead == 'since' else '+'}updated_at >= ?")
        values.append(selection.since)
    if selection.under is not None:
        plus = "" if lead == "under" else "+"
        terms.append(
            f"({plus}dir = ? AND name = ? OR {plus}dir = ? OR {plus}dir >= ? AND {plus}dir < ?)"
        )
        values += _below(selection.under)
    return " AND ".join(terms), values


def _below(under: str) -> list[object]:
    """The bounds of one exact path and of all paths below it."""
    place, _ = split_path(f"{under.rstrip('/')}/-")
    exact = split_path(under) if place else (b"", b"")
    # "0" follows "/" in ASCII.
    return [*exact, place, place + b"/", place + b"0"]
