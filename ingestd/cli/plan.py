"""`plan`: what would happen to what lies there now; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingestd.cli import jsonout, words
from ingestd.cli.forecast import Forecast
from ingestd.cli.options import common_options, json_option
from ingestd.cli.plan_sums import Sums
from ingestd.cli.planner import Action, Planned, Planner
from ingestd.cli.session import Session, absolute, become_owner, open_session
from ingestd.cli.walk import Walked, walk
from ingestd.errors import Exit, UsageError
from ingestd.journal import JournalReader
from ingestd.journal.opening import JOURNAL_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("-s", "--sums", "sums_only", is_flag=True, help="Only the sums, not each file.")
@json_option
@common_options
@click.pass_context
def plan(ctx: click.Context, paths: tuple[str, ...], *, sums_only: bool, as_json: bool) -> int:
    """Say what would happen to what lies there now: take, hold, skip, reject, and what it costs.

    Looks into every new file and changes nothing. Without a PATH: all watched folders. Needs
    neither a key nor the network.
    """
    session = open_session(ctx)
    become_owner(session.state_dir)
    wanted = tuple(map(absolute, paths)) or tuple(str(one.path) for one in session.settings.folders)
    if not wanted:
        raise UsageError("There is no configuration file: say what to look at: ingestd plan PATH")
    walked, sums = Walked(), Sums()
    planned = _plan(session, wanted, walked, sums)
    if as_json:
        _print_document(session, planned, walked, sums, sums_only=sums_only)
        return _code(paths, walked)
    for one in planned:
        if not sums_only:
            click.echo(_line(one))
    click.echo("" if sums_only else "\n", nl=False)
    for text in sums.lines(session.settings, walked):
        click.echo(text)
    click.echo("Nothing was changed.")
    return _code(paths, walked)


def _code(paths: tuple[str, ...], walked: Walked) -> int:
    """A path that was named and could not be looked through is a plan that failed."""
    return Exit.PROBLEMS if paths and walked.troubles else Exit.DONE


def _plan(
    session: Session, paths: tuple[str, ...], walked: Walked, sums: Sums
) -> Iterator[Planned]:
    """Judge file by file; what the guard would hold needs few to be kept back."""
    reader = _reader(session)
    try:
        planner = Planner(session.settings, reader)
        lying = walk(session.settings, paths, walked, everything=False)
        plan = ((found.folder, planner.plan(found)) for found in lying)
        for planned in Forecast(session.settings, reader).over(plan):
            sums.add(planned)
            yield planned
    finally:
        if reader is not None:
            reader.close()


def _reader(session: Session) -> JournalReader | None:
    """The journal, where there is one already."""
    if not (session.state_dir / JOURNAL_NAME).exists():
        return None
    return JournalReader.open(session.state_dir)


def _line(one: Planned) -> str:
    size = words.size(one.size) if one.size is not None else "-"
    length = words.minutes(one.duration_s) if one.duration_s else "-"
    known = f" (file {one.id})" if one.id is not None else ""
    why = "" if one.action is Action.TAKE and not one.id else f"  {one.reason}: {one.detail}{known}"
    return f"{one.action:<6}  {size:>9}  {length:>8}  {words.printable(one.path)}{why}"


def _print_document(
    session: Session, planned: Iterator[Planned], walked: Walked, sums: Sums, *, sums_only: bool
) -> None:
    """Stream one document: its files, then their sums."""
    click.echo('{"files": [', nl=False)
    before = ""
    for one in planned:
        if not sums_only:
            click.echo(f"{before}\n {jsonout.dump(_document(one))}", nl=False)
            before = ","
    click.echo(f'],\n "sums": {jsonout.dump(sums.document(session.settings, walked))}}}')


def _document(one: Planned) -> dict[str, object]:
    return {
        **jsonout.path_keys(one.path),
        "action": one.action,
        "reason": one.reason,
        "detail": one.detail or None,
        "size": one.size,
        "duration_s": one.duration_s,
        "id": one.id,
    }
