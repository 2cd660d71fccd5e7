"""`audit`: the journal and memories.ai compared."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from ingestd.cli import jsonout, words
from ingestd.cli.faraway import far_side
from ingestd.cli.options import common_options, json_option, scope_option
from ingestd.cli.session import become_owner, open_journal, open_session
from ingestd.config import read_key
from ingestd.errors import Exit
from ingestd.reconcile.audit import compare
from ingestd.reconcile.library import scopes_in_use

if TYPE_CHECKING:
    from ingestd.model import Item
    from ingestd.reconcile.audit import Audit, There

#: So many of each kind are shown to a person.
SHOWN = 20


@click.command(epilog="Exit 0: equal; 1: there are differences.")
@click.option("--all", "everything", is_flag=True, help="Also videos that are not named as ours.")
@scope_option
@json_option
@common_options
@click.pass_context
def audit(ctx: click.Context, *, everything: bool, scopes: tuple[str, ...], as_json: bool) -> int:
    """Compare the journal with memories.ai: only here, only there, there twice.

    Reads every page of the list at api.reads_per_second; changes nothing and costs nothing.
    """
    session = open_session(ctx)
    key = read_key(session.settings.api, os.environ)  # before root becomes somebody who may not
    become_owner(session.state_dir)
    began = time.time()
    with open_journal(session) as journal, far_side(session.settings, key) as far:
        wanted = scopes_in_use(session.settings, [*journal.scopes(), *scopes])
        found = compare(journal, far, wanted, began=began, everything=everything)
    if as_json:
        click.echo(jsonout.dump(_document(found), indent=2))
    else:
        _tell(found)
    return Exit.DONE if found.equal else Exit.PROBLEMS


def _document(found: Audit) -> dict[str, object]:
    return {
        "schema": 1,
        "scopes": list(found.scopes),
        "there": found.there,
        "known": found.known,
        "only_here": [_here(item) for item in found.only_here],
        "only_there": [_there(one) for one in found.only_there],
        "twice": [[_there(one) for one in group] for group in found.twice],
        "of_other_accounts": found.other_accounts,
    }


def _here(item: Item) -> dict[str, object]:
    return {
        "id": item.id,
        "path": item.path,
        "video_no": item.video_no,
        "upload_name": item.upload_name,
        "scope": item.scope,
        "size": item.stat.size if item.stat else None,
    }


def _there(one: There) -> dict[str, object]:
    video = one.video
    return {
        "video_no": video.video_no,
        "name": video.name,
        "size": video.size,
        "status": video.status or None,
        "created_at": jsonout.iso(video.create_time),
        "scope": one.scope,
        "ours": one.ours,
    }


def _tell(found: Audit) -> None:
    click.echo(
        f"{words.count(found.there, 'video')} at memories.ai in {', '.join(found.scopes)}, "
        f"{found.known} of them known here."
    )
    here = [f"{item.video_no}  {words.printable(item.path)}" for item in found.only_here]
    there = [f"{one.video.video_no}  {_name(one)}" for one in found.only_there]
    twice = [
        f"{_name(group[0])}: {', '.join(one.video.video_no for one in group)}"
        for group in found.twice
    ]
    _list("Only here: deleted at memories.ai, or of another account", here)
    _list("Only there: not in this journal. If they are this machine's: ingestd recover", there)
    _list("There twice: same name and size, paid twice", twice)
    if found.equal:
        click.echo("Nothing differs.")


def _name(one: There) -> str:
    return words.printable(one.video.name or "")


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    click.echo(f"{title} ({len(lines)}):")
    for line in lines[:SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > SHOWN:
        click.echo(f"  ... and {len(lines) - SHOWN} more: --json names all of them")
