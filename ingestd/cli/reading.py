"""`list`: the rows of the journal."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, rows, terminal
from ingestd.cli.options import common_options, json_option, read_since, selection_options
from ingestd.cli.session import absolute, journal_session, open_journal, require_folder
from ingestd.journal import JournalReader, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.model import Item, Reason, Send, State

#: A terminal shows so many rows unless told otherwise.
ON_A_TERMINAL: Final = 50
#: Rows whose sends are read at once.
BATCH: Final = 200
_HELP_LIST_ROWS: Final = """\b
ingestd list --state rejected,failed      what is not searchable, and why
ingestd list --path /srv/drop/card7       one card
ingestd list --json | jq '.[].video_no'   for scripts
"""


@click.command("list", epilog=_HELP_LIST_ROWS)
@selection_options
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Changed since: 2h, today, 2026-11-22."
)
@click.option("--limit", type=click.IntRange(min=0), help="The newest N rows; 0: all.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="One JSON row a line, for streams.")
@json_option
@common_options
@click.pass_context
def list_rows(  # noqa: PLR0913 - one argument an option
    ctx: click.Context,
    *,
    states: frozenset[State],
    reasons: frozenset[Reason],
    folder: str | None,
    under: str | None,
    since: float | None,
    limit: int | None,
    as_json: bool,
    as_jsonl: bool,
) -> None:
    """List files by id: what became of each."""
    session = journal_session(ctx)
    for_people = terminal.is_terminal() and not (as_json or as_jsonl)
    if limit is None and for_people:
        limit = ON_A_TERMINAL
    selection = Selection(
        states=states,
        reasons=reasons,
        folder=folder,
        under=None if under is None else absolute(under),
        since=since,
        limit=min(limit, sys.maxsize) if limit else None,
        newest=bool(limit),
    )
    with open_journal(session) as reader:
        require_folder(session, reader, folder)
        if as_json or as_jsonl:
            _documents(reader, selection, array=as_json)
        else:
            _lines(reader, selection, for_people=for_people)
        for sentence in reader.damaged.values():
            click.echo(f"ingestd: {sentence}", err=True)


def _documents(reader: JournalReader, selection: Selection, *, array: bool) -> None:
    """Stream the rows: constant memory for a million of them."""
    before = "[" if array else ""
    for item, sends in with_sends(reader, reader.items(selection)):
        click.echo(before + jsonout.dump(jsonout.row(item, sends)), nl=not array)
        before = ",\n " if array else ""
    if array:
        click.echo("[]" if before == "[" else "]")


def with_sends(
    reader: JournalReader, items: Iterable[Item]
) -> Iterator[tuple[Item, tuple[Send, ...]]]:
    """Join rows with their sends, a batch at a time."""
    stream = iter(items)
    while batch := list(islice(stream, BATCH)):
        sends = reader.sends_of(item.id for item in batch)
        yield from ((item, sends[item.id]) for item in batch)


def _lines(reader: JournalReader, selection: Selection, *, for_people: bool) -> None:

    shown = 0
    write = rows.for_people if for_people else rows.for_pipes
    if for_people:
        click.echo(rows.TITLE)
    for item in reader.items(selection):
        click.echo(write(item))
        shown += 1
    if for_people and selection.limit:
        whole = reader.count(selection).files
        if whole > shown:
            click.echo(f"The newest {shown} of {whole}. All of them: ingestd list --limit 0")
