"""`add`: take these files now, without quiet time."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

import click

from ingestd.cli import jsonout, money, terminal, wishes, words
from ingestd.cli.options import common_options, dry_run_option, json_option, yes_option
from ingestd.cli.plan_sums import Sums
from ingestd.cli.planner import Action, Planner
from ingestd.cli.session import Session, absolute, journal_session, open_journal
from ingestd.cli.wait import wait_for_paths
from ingestd.cli.waiting import Patience, Until
from ingestd.cli.walk import Walked, walk
from ingestd.errors import Exit, UsageError

if TYPE_CHECKING:
    from ingestd.cli.planner import Planned

#: So many files that are not taken are named.
NAMED = 20


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--folder", metavar="NAME", help="With the fields of this watched folder.")
@click.option("--wait", is_flag=True, help="Return when they are searchable.")
@click.option("--pay-again", is_flag=True, help="Upload even what was paid already.")
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def add(  # noqa: PLR0913 - one argument an option
    ctx: click.Context,
    paths: tuple[str, ...],
    *,
    folder: str | None,
    wait: bool,
    pay_again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Take files now, from wherever they are; of a directory all videos in it.

    Skips the quiet time and nothing else: what is not acceptable is rejected, what is known
    already is not paid again. Of a directory, and with --pay-again, it says first what it comes to
    and asks; files that a script names are taken without a question.
    """
    session = journal_session(ctx)
    _check_folder(session, folder)
    wanted = tuple(map(absolute, paths))
    walked, sums = Walked(), Sums()
    others = _plan(session, wanted, walked, sums, pay_again=pay_again)
    question = f"To be uploaded: {money.sentence(sums.work, session.settings)}."
    if not as_json:
        _tell_others(others, sums, walked)
    if dry_run:
        click.echo(
            jsonout.dump(sums.document(session.settings, walked), indent=2)
            if as_json
            else f"{question} Nothing was done (--dry-run)."
        )
        return Exit.DONE
    by_script = not terminal.can_ask() and not any(map(os.path.isdir, wanted))
    if sums.work.clips and not money.agreed(question, yes=yes or (by_script and not pay_again)):
        click.echo("Nothing was done.", err=True)
        return Exit.PROBLEMS
    args = {"paths": list(wanted), "folder": folder, "pay_again": pay_again}
    code = wishes.tell(wishes.leave(session.state_dir, "add", args), as_json=as_json)
    if wait and code == Exit.DONE:
        return wait_for_paths(session, wanted, Until.PARSED, Patience(), added=True, quiet=as_json)
    return code


def _check_folder(session: Session, folder: str | None) -> None:
    names = [one.name for one in session.settings.folders]
    if folder is None or folder in names:
        return
    near = difflib.get_close_matches(folder, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names) or 'none'}."
    raise UsageError(f"There is no watched folder {folder!r}. {hint}")


def _plan(
    session: Session, paths: tuple[str, ...], walked: Walked, sums: Sums, *, pay_again: bool
) -> list[Planned]:
    """Sum up what would be taken; some of what would not."""
    others: list[Planned] = []
    with open_journal(session) as reader:
        planner = Planner(session.settings, reader, pay_again=pay_again, by_hand=True)
        for found in walk(session.settings, paths, walked, everything=True):
            planned = planner.plan(found)
            sums.add(planned)
            if planned.action is not Action.TAKE and len(others) < NAMED:
                others.append(planned)
    return others


def _tell_others(others: list[Planned], sums: Sums, walked: Walked) -> None:
    for one in others:
        click.echo(
            f"{one.action:<6}  {words.printable(one.path)}  {one.reason}: {one.detail}", err=True
        )
    more = sum(sums.reasons[action].total() for action in Action if action is not Action.TAKE)
    if more > len(others):
        click.echo(f"... and {more - len(others)} more that are not taken now.", err=True)
    for trouble in walked.troubles:
        click.echo(f"trouble {trouble}", err=True)
