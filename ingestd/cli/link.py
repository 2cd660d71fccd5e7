"""`link`: "it is that video" about a file whose upload got no answer (rules R2)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ingestd.cli import refs, terminal, wishes, words
from ingestd.cli.options import common_options, json_option, yes_option
from ingestd.cli.session import Session, become_owner, open_journal, open_session
from ingestd.config import read_key
from ingestd.errors import Exit, IngestdError, UsageError
from ingestd.model import Reason, Scope, State
from ingestd.remote import Failed, HttpxFarSide

if TYPE_CHECKING:
    from ingestd.config import ApiKey
    from ingestd.journal import JournalReader
    from ingestd.model import Item


@click.command()
@click.argument("ref")
@click.argument("video_no")
@yes_option
@json_option
@common_options
@click.pass_context
def link(ctx: click.Context, ref: str, video_no: str, *, yes: bool, as_json: bool) -> int:
    """Say which video at memories.ai a file became whose upload got no answer.

    The file is then followed until it is searchable; nothing is sent or paid again. The number is
    asked for at memories.ai first.
    """
    session = open_session(ctx)
    key = _key(session)  # may be readable by root only
    become_owner(session.state_dir)
    video_no = video_no.strip()
    with open_journal(session) as reader:
        item = _linkable(reader, ref, video_no)
    doubt = _doubt(session, key, item, video_no)
    if doubt and not _sure(doubt, yes=yes):
        click.echo("Nothing was done.", err=True)
        return Exit.PROBLEMS
    args = {"ids": [item.id], "video_no": video_no}
    return wishes.tell(wishes.leave(session.state_dir, "link", args), as_json=as_json)


def _key(session: Session) -> ApiKey | None:
    try:
        return read_key(session.settings.api, os.environ)
    except UsageError:
        return None


def _linkable(reader: JournalReader, ref: str, video_no: str) -> Item:
    """The row that is meant.

    Raises:
        IngestdError: there is none, it does not wait for this, or another row has the video.
    """
    matches = refs.find(reader, ref)
    waiting = [one for one in matches if one.reason is Reason.UNCONFIRMED]
    if not matches:
        raise IngestdError(f"No file is known by {words.printable(ref)!r}; nothing was done.")
    item = (*waiting, *matches)[0]
    owner = reader.by_video_no(video_no)
    if owner is not None:
        whose = "this file" if owner.id == item.id else f"file {owner.id}"
        path = words.printable(owner.path)
        raise IngestdError(
            f"Video {words.printable(video_no)} belongs to {whose} already ({path}); "
            "nothing was done."
        )
    if item.state is not State.HELD or item.reason is not Reason.UNCONFIRMED:
        raise IngestdError(
            f"File {item.id} is {item.state}: only what is held: unconfirmed can be linked; "
            "nothing was done."
        )
    return item


def _doubt(session: Session, key: ApiKey | None, item: Item, video_no: str) -> str:
    """Ask memories.ai for the video; "" or why it may not be this file's, as a sentence."""
    shown = words.printable(video_no)
    if key is None:
        return f"memories.ai could not be asked for {shown}: no key can be read."
    api = session.settings.api
    far = HttpxFarSide(
        api.base_url,
        lambda: key.secret,
        proxy=api.proxy,
        ca_file=str(api.ca_file) if api.ca_file else None,
    )
    try:
        video = far.metadata(video_no, Scope.parse(item.scope or "unique_id=default"))
    finally:
        far.close()
    if isinstance(video, Failed):
        return f"memories.ai could not be asked for {shown}: {video.trouble.text.rstrip('.')}."
    if video is None:
        return f"memories.ai does not know a video {shown}."
    if video.size is not None and item.stat is not None and video.size != item.stat.size:
        there, here = words.number(video.size), words.number(item.stat.size)
        return f"Video {shown} has {there} bytes at memories.ai, this file has {here}."
    return ""


def _sure(doubt: str, *, yes: bool) -> bool:
    """Name the doubt and ask.

    Raises:
        UsageError: nobody is there to ask, and `--yes` was not given.
    """
    what = f"{doubt} Linked wrongly, a file counts as uploaded that is not."
    if not yes and not terminal.can_ask():
        raise UsageError(f"{what} Nothing was done: if it is right all the same, say --yes.")
    click.echo(what, err=True)
    return yes or click.confirm("Link it all the same?", default=False, err=True)
