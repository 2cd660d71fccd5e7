"""What `status` says where no daemon tells: as it was known last, else as it is seen from here."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.snapshot import Snapshot, read_snapshot
from ingestd.config import ApiKey, read_key
from ingestd.control import LAST_KNOWN
from ingestd.errors import IngestdError
from ingestd.watch.entries import RootState
from ingestd.watch.roots import root_trouble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.cli.session import Session
    from ingestd.journal import JournalReader

#: The keys that a daemon would find now, by where they are from.
Keys = Mapping[str, ApiKey]

_SYSTEM_DIR: Final = Path("/etc/ingestd")
_CREDENTIAL: Final = "credential"
#: For one folder, and for all of them, seconds: `status` answers within one.
_PATIENCE_S: Final = 0.3
_ALL_S: Final = 0.6
_LEAST_S: Final = 0.05


# --- the key --------------------------------------------------------------------------------------


def next_keys(session: Session) -> Keys:
    """Read the keys that the next daemon may find: called by root before it is somebody else.

    The file that our units hand over is where `ingestd install` and the package put it.
    """
    found = {}
    for source, environ in ((None, os.environ), (_CREDENTIAL, _lent(session.config))):
        if environ is None:
            continue
        try:
            key = read_key(session.settings.api, environ)
        except (IngestdError, OSError):  # none yet, or not for this user to read
            continue
        found[source or key.source] = key
    return found


def _lent(config: Path | None) -> Mapping[str, str] | None:
    """What names the file of the credential to `read_key`; None: this is no service's."""
    if config is None or config.parent != _SYSTEM_DIR:
        return None
    name = "api-key" if config.stem == "config" else f"{config.stem}.api-key"
    return {"INGESTD_API_KEY_FILE": str(_SYSTEM_DIR / name)}


def last_known(reader: JournalReader, keys: Keys) -> Snapshot:
    """What a daemon knew when it ended, and the key that the next one would use."""
    told = reader.meta(LAST_KNOWN)
    last = read_snapshot(told if isinstance(told, dict) else {})
    source = last.api.key_source or next(iter(keys), "")
    if source not in keys or keys[source].key_id == last.api.key_id:
        return last  # what is only in this shell is no service's
    api = replace(last.api, key_id=keys[source].key_id, key_source=source, key_since=None)
    return replace(last, api=api)


# --- the folders ----------------------------------------------------------------------------------


def look_at(paths: Iterable[str], state_dir: Path) -> dict[str, tuple[RootState, str | None]]:
    """Look at folders that no daemon has looked at yet: how each stands, and why.

    What only this user may not read is in order as far as can be known: the service is another.
    """
    until, own = time.monotonic() + _ALL_S, _is_own(state_dir)
    found: dict[str, tuple[RootState, str | None]] = {}
    for path in paths:
        patience = max(_LEAST_S, min(_PATIENCE_S, until - time.monotonic()))
        try:
            state, detail = in_child(lambda path=path: _look(path), patience)  # type: ignore[misc]
        except NoAnswerError:
            detail = f"{path} did not answer within {patience:g} s: is its server or disk there?"
            state = RootState.HUNG
        if state is RootState.UNREADABLE and not own:
            state, detail = RootState.OK, None
        found[path] = state, detail
    return found


def _look(path: str) -> tuple[RootState, str | None]:
    try:
        with os.scandir(path):
            return RootState.OK, None
    except OSError as error:
        return root_trouble(path, error)


def _is_own(state_dir: Path) -> bool:
    try:
        return state_dir.stat().st_uid == os.geteuid()
    except OSError:
        return False
