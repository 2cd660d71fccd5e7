"""`retry` and `forget`: rows by reference or by filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from ingestd.cli import jsonout, money, refs, rows, wishes, words
from ingestd.cli.options import (
    common_options,
    dry_run_option,
    json_option,
    selection_options,
    yes_option,
)
from ingestd.cli.session import absolute, journal_session, open_journal
from ingestd.errors import Exit, IngestdError, UsageError
from ingestd.journal import JournalReader, Selection
from ingestd.model import Item, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.cli.session import Session

RETRIED = frozenset({State.FAILED, State.REJECTED})
#: Ids in one wish: what the daemon does in one breath.
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows a person chose: by reference, or by filters."""

    refs: tuple[str, ...]
    everything: bool
    selection: Selection

    @property
    def filtered(self) -> bool:
        """Whether a filter was given."""
        chosen = self.selection
        return bool(chosen.states or chosen.reasons or chosen.folder or chosen.under)


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add REF... and the filters."""
    command = click.option("--all", "everything", is_flag=True, help="All that it can apply to.")(
        command
    )
    command = selection_options(command)
    return click.argument("refs", nargs=-1)(command)


def choice_of(options: dict[str, Any]) -> Choice:
    """Read the options of `choice_options`.

    Raises:
        UsageError: nothing was chosen, or references and filters at once.
    """
    choice = Choice(
        options["refs"],
        options["everything"],
        Selection(
            states=options["states"],
            reasons=options["reasons"],
            folder=options["folder"],
            under=absolute(options["under"]) if options["under"] else None,
        ),
    )
    by_filter = choice.filtered or choice.everything
    if bool(choice.refs) == by_filter:
        raise UsageError(
            "Say which files: either REF... (ids, paths, upload names, video numbers), or a "
            "filter: --state, --reason, --folder, --path, --all."
        )
    return choice


def chosen(reader: JournalReader, choice: Choice, default: frozenset[State]) -> tuple[Item, ...]:
    """Find the chosen rows; a filter without a state means those of `default`.

    Raises:
        IngestdError: a reference means nothing.
    """
    if not choice.refs:
        states = choice.selection.states or default
        return tuple(reader.items(replace(choice.selection, states=states)))
    found: dict[int, Item] = {}
    for ref in choice.refs:
        matches = refs.find(reader, ref)
        if not matches:
            raise IngestdError(
                f"No file is known by {words.printable(ref)!r}; nothing was done. See: ingestd list"
            )
        found[matches[0].id] = matches[0]
    return tuple(found.values())


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
        items = chosen(reader, choice, RETRIED)
    if not items:
        click.echo("No failed or rejected file matches: nothing to do.", err=as_json)
        return Exit.DONE
    paying = [item for item in items if pay_again or _would_cost(item)]
    question = _question(session, items, paying, pay_again=pay_again)
    if dry_run:
        return _show_only(items, question, as_json=as_json)
    if paying and not money.agreed(question, yes=yes):
        click.echo("Nothing was done.", err=True)
        return Exit.PROBLEMS
    ids = [item.id for item in items]
    return _wish(session, "retry", ids, {"pay_again": pay_again}, as_json=as_json)


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


def _show_only(items: tuple[Item, ...], text: str, *, as_json: bool) -> int:
    if as_json:
        click.echo(jsonout.dump([jsonout.row(item) for item in items], indent=1))
        return Exit.DONE
    for item in items:
        click.echo(rows.for_people(item))
    click.echo(f"{text} Nothing was done (--dry-run).".lstrip())
    return Exit.DONE


def _wish(
    session: Session, verb: str, ids: list[int], args: dict[str, object], *, as_json: bool
) -> int:
    """Leave the wish in portions."""
    portions = [
        {"ids": ids[start : start + AT_ONCE], **args} for start in range(0, len(ids), AT_ONCE)
    ]
    return wishes.tell(wishes.leave(session.state_dir, verb, *portions), as_json=as_json)


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
        items = chosen(reader, choice, ended)
    if not items:
        click.echo("No file matches: nothing to do.", err=as_json)
        return Exit.DONE
    if dry_run:
        text = f"{words.count(len(items), 'file')} would be hidden."
        return _show_only(items, text, as_json=as_json)
    return _wish(session, "forget", [item.id for item in items], {}, as_json=as_json)
