"""`trust`: accept the disk that is now at a folder's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingestd.cli import wishes, words
from ingestd.cli.options import common_options, json_option
from ingestd.cli.patience import Unanswered, patiently
from ingestd.cli.session import absolute, journal_session
from ingestd.errors import IngestdError, UsageError
from ingestd.watch.volumes import volume_at

if TYPE_CHECKING:
    from ingestd.config import Folder, Settings
    from ingestd.watch.volumes import Volume


@click.command()
@click.argument("folder")
@json_option
@common_options
@click.pass_context
def trust(ctx: click.Context, folder: str, *, as_json: bool) -> int:
    """Accept the disk that is now at a folder's path.

    FOLDER is its name or its path. Files on it are taken from now on; what was seen on the
    disk that was there before waits for it, and is sent when that one is back.
    """
    session = journal_session(ctx)
    chosen = _find(session.settings, folder)
    volume = _look(chosen)
    told = {"folder": chosen.name, "volume": volume.document()}
    return wishes.tell(wishes.leave(session.state_dir, "trust", told), as_json=as_json)


def _find(settings: Settings, given: str) -> Folder:
    for folder in settings.folders:
        if given == folder.name or absolute(given) == str(folder.path):
            return folder
    names = ", ".join(folder.name for folder in settings.folders)
    raise UsageError(f"There is no watched folder {given!r}. There are: {names}")


def _look(folder: Folder) -> Volume:
    path = str(folder.path)
    shown = words.printable(path)
    try:
        return patiently(lambda: volume_at(path))
    except Unanswered:
        text = f"{shown} does not answer: is its server or disk there? Nothing was changed."
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        text = f"Nothing to accept at {shown} ({said}): mount the disk first. Nothing was changed."
    raise IngestdError(text)
