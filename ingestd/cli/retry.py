"""`retry` and `forget`: rows by reference or by filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ingestd.cli import money, words
from ingestd.cli.choice import choice_of, choice_options, chosen, leave, show_only
from ingestd.cli.options import (
    common_options,
    dry_run_option,
    json_option,
    yes_option,
)
from ingestd.cli.session import journal_session, open_journal, require_folder
from ingestd.errors import Exit
from ingestd.model import Item, State

if TYPE_CHECKING:
    from ingestd.cli.session import Session

RETRIED = frozenset({State.FAILED, State.REJECTED})


@click.command()
@choice_options
@click.option("--pay-again", is_flag=True, help="Upload even what was paid already.")
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    *,
    pay_again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Try failed and rejected files again.

    What the far side has already is asked for again, free of charge. What was rejected is judged
    again. Only --pay-again uploads what was paid.
    """
    session, choice = journal_session(ctx), choice_of(options)
    with open_journal(session) as reader:
        require_folder(session, reader, choice.selection.folder)
        items = tuple(chosen(reader, choice, RETRIED))
    if not items:
        click.echo("No failed or rejected file matches: nothing to do.", err=as_json)
        return Exit.DONE
    paying = [item for item in items if pay_again or _would_cost(item)]
    question = _question(session, items, paying, pay_again=pay_again)
    if dry_run:
        return show_only(items, question, as_json=as_json)
    if paying and not money.agreed(question, yes=yes):
        click.echo("Nothing was done.", err=True)
        return Exit.PROBLEMS
    ids = [item.id for item in items]
    return leave(session, "retry", ids, {"pay_again": pay_again}, as_json=as_json)


def _would_cost(item: Item) -> bool:
    return item.state in RETRIED and item.video_no is None


def _question(
    session: Session, items: tuple[Item, ...], paying: list[Item], *, pay_again: bool
) -> str:
    parts = []
    asked = [item for item in items if item.state is State.FAILED and item.video_no]
    free = 0 if pay_again else len(asked)
    if paying:
        again = " AGAIN, also what was paid already" if pay_again else ""
        work = money.sentence(money.work_of(paying), session.settings)
        parts.append(f"To be uploaded{again}, as far as acceptable: {work}.")
    if free:
        files = words.count(free, "file")
        parts.append(f"Only asked for again, free of charge: {files}.")
    return " ".join(parts)


@click.command()
@choice_options
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def forget(
    ctx: click.Context, /, *, dry_run: bool, yes: bool, as_json: bool, **options: Any
) -> int:
    """Hide rows from lists.

    What was paid stays known: the same content is not uploaded again.
    """
    del yes  # costs nothing; taken so that scripts may say it everywhere
    session, choice = journal_session(ctx), choice_of(options)
    ended = frozenset(
        {State.PARSED, State.REJECTED, State.DUPLICATE, State.SKIPPED, State.GONE, State.FAILED}
    )
    with open_journal(session) as reader:
        require_folder(session, reader, choice.selection.folder)
        items = tuple(chosen(reader, choice, ended))
    if not items:
        click.echo("No file matches: nothing to do.", err=as_json)
        return Exit.DONE
    if dry_run:
        text = f"{words.count(len(items), 'file')} would be hidden."
        return show_only(items, text, as_json=as_json)
    return leave(session, "forget", [item.id for item in items], {}, as_json=as_json)
