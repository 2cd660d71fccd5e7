"""`wait`: return when files are searchable."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ingestd.cli import live, terminal, words
from ingestd.cli.explain import IGNORED, UNWATCHED, by_rules
from ingestd.cli.options import common_options, read_duration
from ingestd.cli.session import Session, absolute, journal_session, open_journal
from ingestd.cli.waiting import Patience, Until, Watchlist, row_of
from ingestd.cli.waiting import wait as wait_for
from ingestd.cli.walk import Walked, walk
from ingestd.errors import Exit, StoppedEarlyError
from ingestd.journal import JournalReader, Selection
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: States that the daemon still works on.
OPEN = frozenset({State.QUEUED, State.UPLOADING, State.CONFIRMING, State.INDEXING})
#: So many files that cannot be searchable are named.
NAMED = 20


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--until",
    type=click.Choice([str(one) for one in Until]),
    default=str(Until.PARSED),
    show_default=True,
    help="What to wait for; parsed is searchable.",
)
@click.option("--timeout", callback=read_duration, metavar="TIME", help="Give up after: 2h.")
@common_options
@click.pass_context
def wait(ctx: click.Context, paths: tuple[str, ...], *, until: str, timeout: float | None) -> int:
    """Return when these files are searchable; of a directory all that lies in it now.

    Exit 0: they are. 1: some cannot be. 5: --timeout passed.
    """
    session = journal_session(ctx)
    return wait_for_paths(session, tuple(map(absolute, paths)), Until(until), Patience(timeout))


def wait_for_paths(
    session: Session,
    paths: tuple[str, ...],
    until: Until,
    patience: Patience,
    *,
    added: bool = False,
    quiet: bool = False,
) -> int:
    """Wait for what lies at these absolute paths now; the exit code.

    Args:
        session: whose journal is asked.
        paths: files and directories.
        until: what to wait for.
        patience: how the time is passed.
        added: the daemon was told to take them: no watched folder is needed.
        quiet: show no progress.

    Raises:
        StoppedEarlyError: the time was over before.
    """
    with open_journal(session) as reader:
        watchlist = _watchlist(session, reader, paths, until, added=added)
        if watchlist.pending and live.held_by(session.state_dir) is None:
            click.echo("ingestd is not running: waiting until it is (ingestd run).", err=True)
        with _progress(quiet=quiet) as told:
            in_time = wait_for(watchlist, reader, patience, told)
    _tell_failed(watchlist)
    if not in_time:
        left = words.count(len(watchlist.pending), "file")
        raise StoppedEarlyError(f"The time is over: {left} not {until} yet. See: ingestd status")
    return Exit.PROBLEMS if watchlist.failed else Exit.DONE


def _watchlist(
    session: Session,
    reader: JournalReader,
    paths: tuple[str, ...],
    until: Until,
    *,
    added: bool,
) -> Watchlist:
    """What lies there, and what the journal still works on though it lies there no more."""
    watchlist = Watchlist(until)
    for found in walk(session.settings, paths, Walked(), everything=True):
        path = found.entry.path
        state, why = by_rules(session.settings, path)
        hopeless = state == IGNORED or (state == UNWATCHED and not added)
        if row_of(reader, path) is None and (found.ignored or hopeless):
            watchlist.failed[path] = why
        else:
            watchlist.pending[path] = None
    for path in paths:
        _add_known(watchlist, reader, path)
    return watchlist


def _add_known(watchlist: Watchlist, reader: JournalReader, path: str) -> None:
    if os.path.isdir(path):  # noqa: PTH112 - odd bytes
        known = [item.path for item in reader.items(Selection(states=OPEN, under=path))]
    else:  # a file, or a directory that is no more
        known = [item.path for item in reader.items(Selection(under=path))] or [path]
    watchlist.pending.update(dict.fromkeys(one for one in known if one not in watchlist.failed))
    if not watchlist.whole:
        click.echo(f"No video lies in {words.printable(path)}: nothing to wait for.", err=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Watchlist], None]]:
    """A bar on a terminal, a line whenever the number moves elsewhere."""
    if quiet:
        yield lambda _: None
    elif terminal.is_terminal():
        with terminal.progress_bar("through") as draw:
            yield lambda now: draw(now.done + len(now.failed), now.whole)
    else:
        yield _Lines()


class _Lines:
    """Says how far it is, once a change."""

    def __init__(self) -> None:
        self._before = -1

    def __call__(self, now: Watchlist) -> None:
        ended = now.done + len(now.failed)
        if ended != self._before:
            click.echo(f"{ended} of {now.whole} through")
            self._before = ended


def _tell_failed(watchlist: Watchlist) -> None:
    for path, why in list(watchlist.failed.items())[:NAMED]:
        click.echo(f"{words.printable(path)}: {words.printable(why)}", err=True)
    more = len(watchlist.failed) - NAMED
    if more > 0:
        click.echo(f"... and {more} more.", err=True)
