"""`key set`: puts the API key where the service reads it, once memories.ai has taken it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli.account import account, group_name
from ingestd.cli.checks_far import try_key
from ingestd.cli.files import replace_file
from ingestd.cli.options import common_options
from ingestd.cli.session import Session, open_session
from ingestd.cli.unit import Unit, find_unit
from ingestd.config import ApiKey, clean_key
from ingestd.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_DIR: Final = Path("/etc/ingestd")
_SERVICE_GROUP: Final = "ingestd"
_LONGEST: Final = 4096
_HELP_SET: Final = """\b
ingestd key set                 asks for it and shows nothing
ingestd key set < key.txt       for scripts; blanks, quotes and `Bearer` are taken off
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the key goes, who may read it there, and what makes it known."""

    path: Path
    mode: int
    group: int | None
    then: str


@click.group()
@common_options
def key() -> None:
    """Set the API key."""


@key.command("set", epilog=_HELP_SET)
@click.argument("given", nargs=-1, metavar="")
@click.option("--file", "file", metavar="FILE", type=click.Path(), help="Store it there instead.")
@click.option("--untried", is_flag=True, help="Store it although memories.ai cannot be asked now.")
@common_options
@click.pass_context
def set_key(ctx: click.Context, given: tuple[str, ...], *, file: str | None, untried: bool) -> Exit:
    """Store the API key for the service, after memories.ai has taken it in a free call."""
    if given:
        raise UsageError(
            "The key does not belong on the command line, where other users and the shell's "
            "history see it: make a new one at memories.ai if this one is real. Then: "
            "ingestd key set"
        )
    session = open_session(ctx)
    place = _place(session, file, os.environ)
    secret = clean_key(_asked(), "What was given")
    found = ApiKey(secret, "key set")
    trial = "not tried" if untried else try_key(session.settings.api, found)
    _store(place, secret)
    click.echo(f"Stored {found.key_id} in {place.path} ({_rights(place)}): {trial}.")
    for sentence in (place.then, *_overruled(os.environ, file)):
        click.echo(sentence)
    return Exit.DONE


def _asked() -> str:
    if sys.stdin.isatty():
        told: str = click.prompt("API key", hide_input=True, err=True)
        return told
    return sys.stdin.buffer.read(_LONGEST).decode("utf-8-sig", errors="replace")


def _place(session: Session, file: str | None, environ: Mapping[str, str]) -> _Place:
    """Find the file that the service reads the key from (interface 4, `api.key_file`).

    Raises:
        UsageError: nothing reads one.
    """
    config = session.config
    unit = find_unit(config) if config else None
    lent = unit.credential("api-key") if unit else ""
    if config is not None and config.parent == _SYSTEM_DIR and not lent and unit is None:
        lent = str(_SYSTEM_DIR / "api-key")
    named = file or environ.get("INGESTD_API_KEY_FILE")
    path = Path(os.path.abspath(os.path.expanduser(named))) if named else None  # noqa: PTH100, PTH111 - no links, odd homes
    path = path or session.settings.api.key_file or (Path(lent) if lent else None)
    if path is None:
        beside = (config.parent if config else Path("~/.config/ingestd")) / "api-key"
        raise UsageError(
            f"Nothing says where the key is kept. Add `api: {{key_file: {beside}}}` to "
            f"{config or 'the configuration'}, then say this again; or name a file with --file."
        )
    group = _group(unit) if config and config.parent == _SYSTEM_DIR else None
    mode = 0o600 if group is None else 0o640
    return _Place(path, mode, group, _then(unit, lent == str(path)))


def _group(unit: Unit | None) -> int | None:
    """The group that the service reads it by, where this is root and there is one."""
    if os.geteuid() != 0:
        return None
    who = account(unit.user, unit.get("Group")) if unit else account(_SERVICE_GROUP)
    return who.gid if who and who.gid != 0 else None


def _then(unit: Unit | None, credential: bool) -> str:  # noqa: FBT001 - private, one caller
    if unit is None:
        return "A service that runs takes it in when it is told to reload or restarted."
    verb = "restart" if credential else "reload"  # a credential is handed over at the start
    return f"To make the service use it: sudo systemctl {verb} {unit.name}"


def _store(place: _Place, secret: str) -> None:
    try:
        owner = place.path.stat().st_uid if os.geteuid() == 0 and place.path.exists() else None
        text = f"{secret}\n"
        replace_file(place.path, text, mode=place.mode, owner=owner, group=place.group)
    except OSError as error:
        sudo = "" if os.geteuid() == 0 else " Perhaps: sudo ingestd key set"
        raise UsageError(
            f"The key was not stored: {place.path} cannot be written ({error.strerror}).{sudo}"
        ) from None


def _rights(place: _Place) -> str:
    who = "" if place.group is None else f", for group {group_name(place.group)}"
    return f"{place.mode:04o}{who}"


def _overruled(environ: Mapping[str, str], file: str | None) -> list[str]:
    if environ.get("INGESTD_API_KEY"):
        return ["INGESTD_API_KEY is set in this shell and goes before any file."]
    if file:
        return ["Name the file to the service: api.key_file, or INGESTD_API_KEY_FILE."]
    return []
