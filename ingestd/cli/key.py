"""`key set`: puts the API key where the service reads it, once memories.ai has taken it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli.account import account, group_name, user_name
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
_SERVICE_USER: Final = "ingestd"
_ROOT: Final = 0  # as a user and as a group
_SECRETS: Final = ("/run/secrets/", "/var/run/secrets/")
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
    owner: int | None  # None: whoever has it now, or stores it
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
    handed_over = unit is not None and lent == str(path)
    of_system = config is not None and config.parent == _SYSTEM_DIR and os.geteuid() == 0
    owner = _reader(unit, handed_over=handed_over) if of_system else None
    then = _then(unit, credential=handed_over)
    if owner is None:
        return _Place(path, 0o600, None, None, then)
    return _Place(path, 0o640, owner, _ROOT, then)


def _reader(unit: Unit | None, *, handed_over: bool) -> int | None:
    """Whose file it must be; None: there is no user of a service.

    A credential is read by systemd as root and handed over; otherwise the service's user reads it.
    The service's group never does: people join it to look at `status`, and are to have no key.
    """
    if handed_over:
        return _ROOT
    who = account(unit.user) if unit else account(_SERVICE_USER)
    return who.uid if who and who.uid != _ROOT else None


def _then(unit: Unit | None, *, credential: bool) -> str:
    if unit is None:
        return "A service that runs takes it in when it is told to reload or restarted."
    verb = "restart" if credential else "reload"  # a credential is handed over at the start
    return f"To make the service use it: sudo systemctl {verb} {unit.name}"


def _store(place: _Place, secret: str) -> None:
    try:
        owner = place.owner
        if owner is None and os.geteuid() == 0 and place.path.exists():
            owner = place.path.stat().st_uid
        text = f"{secret}\n"
        replace_file(place.path, text, mode=place.mode, owner=owner, group=place.group)
    except OSError as error:
        raise UsageError(
            f"The key was not stored: {place.path} cannot be written ({error.strerror})."
            f"{_instead(place.path)}"
        ) from None


def _instead(path: Path) -> str:
    """What else puts the key there."""
    if str(path).startswith(_SECRETS):
        return " It is handed into the container: replace it outside, then restart the container."
    return "" if os.geteuid() == 0 else " Perhaps: sudo ingestd key set"


def _rights(place: _Place) -> str:
    if place.owner is None or place.group is None:
        return f"{place.mode:04o}"
    owner = user_name(place.owner)
    who = "only root reads" if place.owner == _ROOT else f"only {owner} and root read"
    return f"{place.mode:04o} {owner}:{group_name(place.group)}, which {who}"


def _overruled(environ: Mapping[str, str], file: str | None) -> list[str]:
    if environ.get("INGESTD_API_KEY"):
        return ["INGESTD_API_KEY is set in this shell and goes before any file."]
    if file:
        return ["Name the file to the service: api.key_file, or INGESTD_API_KEY_FILE."]
    return []
