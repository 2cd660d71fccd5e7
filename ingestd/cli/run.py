"""`run`: the daemon in the foreground, or one pass over what lies there."""

from __future__ import annotations

import importlib
import os
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from ingestd import log
from ingestd.cli import words
from ingestd.cli.options import common_options, read_duration
from ingestd.cli.patience import Unanswered, patiently
from ingestd.cli.session import Session, absolute, open_session
from ingestd.cli.waiting import Until
from ingestd.config import find, load_anew, nearest_folder, read_key
from ingestd.errors import UsageError
from ingestd.watch.twins import identities, twin_words, twins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestd.config import ApiKey, Settings
    from ingestd.daemon import Once
    from ingestd.errors import Exit

#: How long a path of the command line may take to say what it is, seconds.
FOLDER_S: Final = 0.3
_HELP_RUN: Final = """\b
--once ends with 0: all searchable or known already; 1: something was rejected, held, failed
or is unfinished; 5: only a person can go on, or the time is over.
"""


@click.command(epilog=_HELP_RUN)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--once", is_flag=True, help="One pass over what lies there, then end.")
@click.option(
    "--until",
    type=click.Choice([str(one) for one in Until]),
    help="With --once: what a pass waits for; default parsed, that is searchable.",
)
@click.option(
    "--timeout", callback=read_duration, metavar="TIME", help="With --once: end after 2h."
)
@common_options
@click.pass_context
def run(
    ctx: click.Context,
    paths: tuple[str, ...],
    *,
    once: bool,
    until: str | None,
    timeout: float | None,
) -> int:
    """Watch the folders and upload what comes, in the foreground.

    Without a configuration file the PATHs are the folders, with defaults. With one, `--once PATH`
    limits the pass to these paths.
    """
    if not once and (until or timeout is not None):
        raise UsageError("--until and --timeout belong to --once.")
    session = _session(ctx, paths)
    limits = _limits(session, paths, once=once)
    _refuse_twins(session.settings)
    key = read_key(session.settings.api, os.environ)
    log.configure(str(session.settings.log.level), str(session.settings.log.format))
    return _serve(session, key, _pass_of(limits, until, timeout) if once else None)


def _session(ctx: click.Context, paths: tuple[str, ...]) -> Session:
    session = open_session(ctx, paths, meanwhile=_import_daemon)
    if session.config is None and not paths:
        find(None, os.environ)  # says where it looked and what to write
    if session.config is None:
        _require_folders(paths)
    return session


def _import_daemon() -> None:
    """Take in what is needed next while the configuration is read by a child: half of the start."""
    importlib.import_module("ingestd.daemon")


def _require_folders(paths: tuple[str, ...]) -> None:
    """A path of the command line that is no folder is a slip: a folder in a file may come later."""
    for path in paths:
        shown = words.printable(absolute(path))
        try:
            there, is_folder = patiently(partial(_kind, path), FOLDER_S)
        except Unanswered:
            continue  # a share that hangs: the daemon says so, and serves the others
        if not there:
            raise UsageError(f"There is no folder {shown}. Make it, or name the right one.")
        if not is_folder:
            raise UsageError(
                f"{shown} is no folder, and `run` watches folders: name the one it lies in."
            )


def _kind(path: str) -> tuple[bool, bool]:
    """Whether something lies at a path, and whether it is a directory."""
    return os.path.lexists(path), os.path.isdir(path)  # noqa: PTH112 - odd bytes


def _refuse_twins(settings: Settings) -> None:
    """One directory that two folders name would be looked at under two names."""
    paths = [str(folder.path) for folder in settings.folders]
    if len(paths) > 1:
        for path, other in twins(paths, identities(paths)).items():
            raise UsageError(twin_words(words.printable(path), words.printable(other)))


def _limits(session: Session, paths: tuple[str, ...], *, once: bool) -> tuple[str, ...]:
    """The paths that a pass is limited to; without a configuration file they are the folders.

    Raises:
        UsageError: the paths say nothing that could be meant.
    """
    if session.config is None or not paths:
        return ()
    if not once:
        raise UsageError(
            f"The folders to watch are named in {session.config}. Add the path there, or look at "
            "it once: ingestd run --once PATH, or take it now: ingestd add PATH"
        )
    full = tuple(map(absolute, paths))
    for path in full:
        below = any(one.path.is_relative_to(path) for one in session.settings.folders)
        if not below and nearest_folder(session.settings, path) is None:
            raise UsageError(
                f"{path} lies in no folder that {session.config} names. To take it all the same: "
                "ingestd add PATH"
            )
    return full


def _pass_of(paths: tuple[str, ...], until: str | None, timeout: float | None) -> Once:
    from ingestd.daemon import Once  # noqa: PLC0415 - the daemon only where it runs

    return Once(paths=paths, until=until or str(Until.PARSED), timeout=timeout)


def _serve(session: Session, key: ApiKey, once: Once | None) -> Exit:
    """Hand over to the daemon until it ends."""
    from ingestd.daemon import serve  # noqa: PLC0415 - the daemon only where it runs

    reload = None if session.config is None else _reloader(session.config)
    return serve(session.settings, key, config=session.config, once=once, reload=reload)


def _reloader(config: Path) -> Callable[[], tuple[Settings, ApiKey]]:
    def reload() -> tuple[Settings, ApiKey]:
        settings = load_anew(config, os.environ)
        return settings, read_key(settings.api, os.environ)

    return reload
