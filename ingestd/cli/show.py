"""`show` and `why`: one file with its history, or why a path has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingestd.cli import jsonout, refs
from ingestd.cli.explain import Explained, explain
from ingestd.cli.item_page import page
from ingestd.cli.options import common_options, json_option
from ingestd.cli.session import Session, absolute, journal_session, open_journal
from ingestd.errors import Exit, IngestdError

if TYPE_CHECKING:
    from ingestd.journal import JournalReader
    from ingestd.model import Item


def _show(ctx: click.Context, ref: str, *, as_json: bool) -> int:
    session = journal_session(ctx)
    with open_journal(session) as reader:
        found = refs.find(reader, ref)
        if found:
            _print_row(reader, found, as_json=as_json)
            return Exit.DONE
    if not refs.is_path(ref):
        raise IngestdError(
            f"No file is known by {ref!r}: neither id, path, upload name nor video number. "
            "See: ingestd list"
        )
    return _print_explained(session, absolute(ref), as_json=as_json)


def _print_row(reader: JournalReader, found: tuple[Item, ...], *, as_json: bool) -> None:
    item = found[0]
    sends, steps = reader.sends(item.id), reader.history(item.id)
    task = reader.after_task(item.id)
    if as_json:
        document = jsonout.row(item, sends) | {"history": jsonout.history(steps)}
        document["after_action"] = jsonout.after_task(task)
        if len(found) > 1:
            document["matches"] = [other.id for other in found]
        click.echo(jsonout.dump(document, indent=2))
        return
    click.echo(page(item, sends, steps, task), nl=False)
    if len(found) > 1:
        others = ", ".join(str(other.id) for other in found[1:])
        click.echo(f"\n{len(found)} are known by this name. The others: {others} (ingestd show ID)")


def _print_explained(session: Session, path: str, *, as_json: bool) -> int:
    explained: Explained = explain(session, path)
    if as_json:
        document = jsonout.no_row(path, explained.state, explained.detail)
        click.echo(jsonout.dump(document, indent=2))
    else:
        click.echo(f"{explained.state}: {explained.detail}")
    return Exit.DONE if explained.exists else Exit.PROBLEMS


@click.command()
@click.argument("ref")
@json_option
@common_options
@click.pass_context
def show(ctx: click.Context, ref: str, *, as_json: bool) -> int:
    """Show one file and its history; explains any path.

    REF is an id, a path, an upload name or a video number.
    """
    return _show(ctx, ref, as_json=as_json)


@click.command()
@click.argument("ref")
@json_option
@common_options
@click.pass_context
def why(ctx: click.Context, ref: str, *, as_json: bool) -> int:
    """Say why a file is as it is: the same as show."""
    return _show(ctx, ref, as_json=as_json)
