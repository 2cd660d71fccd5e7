"""Checks of the key: where it is from, and who can read it beside the service."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from typing import TYPE_CHECKING, Final

from ingestd import sharing
from ingestd.cli import words
from ingestd.cli.account import group_name, user_name
from ingestd.cli.checking import Grade, Result, two_sentences
from ingestd.config import read_key
from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.cli.unit import Unit
    from ingestd.config import Api, ApiKey

_VARIABLES: Final = ("CREDENTIALS_DIRECTORY", "INGESTD_API_KEY", "INGESTD_API_KEY_FILE")
_ROOT: Final = 0


def find_key(
    api: Api, environ: Mapping[str, str], unit: Unit | None, state_dir: Path
) -> tuple[ApiKey | None, Path | None, Result]:
    """Look for the key; the second value is the file that the service's own user must read.

    Where nothing in the surroundings names one, the file counts that the service manager hands to
    the unit: root may read it, the service gets it as a credential.
    """
    lent = unit.credential("api-key") if unit else ""
    named = any(environ.get(name) for name in _VARIABLES)
    try:
        if lent and not named and os.path.lexists(lent):
            key = read_key(api, {**environ, "INGESTD_API_KEY_FILE": lent})
            told = f"{lent}, the service's credential"
            return key, None, _told(key, told, shared_key(lent, state_dir, reader=_ROOT))
        key = read_key(api, environ)
    except UsageError as error:
        return None, None, Result(Grade.FAIL, "key", *two_sentences(str(error)))
    place = api.key_file if key.source == "api.key_file" else None
    shared = shared_key(str(place), state_dir, reader=_owner(state_dir)) if place else None
    return key, place, _told(key, key.source, shared)


def _told(key: ApiKey, source: str, shared: tuple[str, str] | None) -> Result:
    if key.warning:
        return Result(Grade.WARN, "key", *two_sentences(key.warning))
    if shared:
        return Result(Grade.WARN, "key", *shared)
    return Result(Grade.OK, "key", f"{key.key_id} from {source}")


def shared_key(path: str, state_dir: Path, *, reader: int | None) -> tuple[str, str] | None:
    """Say that a group of people can read the file of the key, and the line that ends it.

    Args:
        path: the file; others than its group cannot read it (`read_key` refuses that).
        state_dir: people join the group that may look into it.
        reader: the user that must read the key; None: its owner does.
    """
    found = os.stat(path)  # noqa: PTH116 - as it was given
    group = found.st_gid
    if not found.st_mode & stat.S_IRGRP or group == _ROOT:
        return None
    readers = sharing.is_shared(state_dir) and state_dir.stat().st_gid == group
    if not readers and not _people(group) - {user_name(found.st_uid), *_names(reader)}:
        return None
    name, file = group_name(group), shlex.quote(words.printable(path))
    looking = ", which people join to look at `status`," if readers else ""
    mode = f"{stat.S_IMODE(found.st_mode):04o} {user_name(found.st_uid)}:{name}"
    text = f"group {name}{looking} can read the API key in {words.printable(path)} ({mode})"
    if reader is None or reader == found.st_uid:
        return text, f"Run: {'sudo ' if found.st_uid == _ROOT else ''}chmod 600 {file}"
    return text, f"Run: sudo chown {user_name(reader)}:root {file}"


def _owner(state_dir: Path) -> int | None:
    try:
        return state_dir.stat().st_uid
    except OSError:
        return None


def _names(user: int | None) -> tuple[str, ...]:
    return () if user is None else (user_name(user),)


def _people(group: int) -> set[str]:
    """Who is in a group."""
    try:
        joined = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        joined = set()
    return joined | {one.pw_name for one in pwd.getpwall() if one.pw_gid == group}
