"""What a command works with: the configuration, the state directory, and whose process it is."""

from __future__ import annotations

import difflib
import importlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.cli.options import Common
from ingestd.config import find, from_paths, load, load_apart
from ingestd.errors import JournalError, UsageError
from ingestd.journal import JournalReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import click

    from ingestd.config import Settings


#: What commands import only when they need it; each brings the rest of its kind.
_LATE = (
    "ingestd.cli.terminal",
    "ingestd.cli.walk",
    "ingestd.daemon.intake.folders",
    "ingestd.probe",
    "ingestd.remote.client",
    "rich.console",
    "rich.live",
    "rich.progress",
    "rich.text",
    "traceback",
)


@dataclass(frozen=True, slots=True)
class Session:
    """The settings that apply, and the file they are from."""

    settings: Settings
    config: Path | None  # None: no configuration file; the defaults apply

    @property
    def state_dir(self) -> Path:
        """Where the journal lies."""
        return self.settings.state_dir


def open_session(
    ctx: click.Context,
    paths: tuple[str, ...] = (),
    *,
    meanwhile: Callable[[], object] | None = None,
) -> Session:
    """Load the configuration; without a file, `paths` are folders with defaults.

    With `meanwhile` it is loaded apart, by a child, while that is done here.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageError: a file was named and is not there.
    """
    config = find_config(ctx)
    if config is None:
        return Session(from_paths(paths, os.environ), None)
    if meanwhile is None:
        return Session(load(config, os.environ), config)
    return Session(load_apart(config, os.environ, meanwhile), config)


def find_config(ctx: click.Context) -> Path | None:
    """Find the configuration file; None: there is none, and none was named."""
    try:
        return find(ctx.ensure_object(Common).config, os.environ)
    except UsageError:
        return None


def journal_session(ctx: click.Context) -> Session:
    """Load the configuration, then become the owner of the state directory."""
    session = open_session(ctx)
    become_owner(session.state_dir)
    return session


def open_journal(session: Session) -> JournalReader:
    """Open the journal for reading.

    Raises:
        JournalError: there is none, or it cannot be read.
    """
    try:
        return JournalReader.open(session.state_dir)
    except JournalError as error:
        if session.config is not None:
            raise
        text = f"{error} (No configuration file was found: name yours with -c FILE.)"
        raise JournalError(text) from error


def require_folder(session: Session, reader: JournalReader, folder: str | None) -> None:
    """Refuse a filter by a folder that nobody knows: an empty answer would hide the typing error.

    Raises:
        UsageError: it is neither configured nor in the journal.
    """
    if folder is None:
        return
    known = {one.name for one in session.settings.folders}
    known |= {tally.folder for tally in reader.tallies() if tally.folder is not None}
    if folder in known:
        return
    near = difflib.get_close_matches(folder, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(known))}."
    raise UsageError(
        f"No folder {folder!r} is configured, nor does the journal know one.{hint if known else ''}"
    )


def become_owner(state_dir: Path) -> None:
    """As root, go on as the owner of the state directory: nothing there may come to be root's.

    A state directory that is not there yet, or is root's own, changes nothing.
    """
    owner = _other_owner(state_dir)
    if owner is None:
        return
    _import_all()
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


@contextmanager
def as_owner(state_dir: Path) -> Iterator[None]:
    """As root, do what the block does as the owner of the state directory, then be root again."""
    owner = _other_owner(state_dir)
    if owner is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _other_owner(state_dir: Path) -> os.stat_result | None:
    """Whose the state directory is, if this is root and it is not root's own."""
    if os.geteuid() != 0:
        return None
    try:
        owner = state_dir.stat()
    except OSError:
        return None
    return None if owner.st_uid == 0 else owner


def _import_all() -> None:
    """Load what commands import late: the owner may not be allowed to read Python's own files.

    So it is with pipx or uv in the home of root.
    """
    for name in _LATE:
        importlib.import_module(name)


def absolute(path: str) -> str:
    """Make a path of the command line absolute; links in it stay, as they do in the journal.

    Raises:
        UsageError: it is empty. An unset variable of a shell must not mean the current directory.
    """
    if not path:
        raise UsageError("A path is empty: is a variable unset? `.` means the current directory.")
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
