"""Checks of settings that are allowed, and will surprise somebody one day."""

from __future__ import annotations

import difflib
import os
import pwd
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.checking import Grade, Result
from ingestd.cli.session import as_owner
from ingestd.config import ScopeKind, Validate
from ingestd.errors import JournalError
from ingestd.journal import JournalReader
from ingestd.journal.opening import JOURNAL_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.config import ApiKey, Settings

#: How long other people's homes may take to be looked into, seconds.
_LOOKING_S: Final = 3.0
#: Below that a bandwidth is a slip of the pen rather than a link, bytes/s.
SLOW: Final = 10_000
_SYSTEM_STATE: Final = Path("/var/lib/ingestd")
_DEFAULT: Final = "default"
_OWN_STATE: Final = ".local/state/ingestd"


def check_times(settings: Settings) -> Iterator[Result]:
    """Compare the time for looking with the time for answering (rules R2)."""
    looking, answering = settings.indexing.confirm_for, settings.upload.answer_timeout
    if looking < answering and settings.indexing.confirm_then == "resend":
        text = (
            f"indexing.confirm_for ({words.duration(looking)}) is under upload.answer_timeout "
            f"({words.duration(answering)}): a video that is slow to show up would be sent and "
            "billed a second time"
        )
        yield Result(Grade.WARN, "settings", text, "Let it be at least as long.")


def check_pace(settings: Settings) -> Iterator[Result]:
    """A rate without a unit is one of bytes: no link is that slow, but many a number is short."""
    slowest = min(filter(None, (step.limit for step in settings.upload.bandwidth)), default=None)
    if slowest is not None and slowest < SLOW:
        text = (
            f"upload.bandwidth lets out {words.size(slowest)} a second: a clip of 1 GB takes "
            f"{words.duration(1e9 / slowest)}"
        )
        yield Result(Grade.WARN, "settings", text, "Is a unit missing? As in 5MB/s.")


def check_taken(settings: Settings) -> Iterator[Result]:
    """Compare what is let through with what the far side takes (contract 1.1)."""
    asked, taken = settings.validate, Validate()
    beyond = [
        *(f"validate.extensions: {one}" for one in asked.extensions if one not in taken.extensions),
        *(f"validate.codecs: {one}" for one in asked.codecs if one not in taken.codecs),
    ]
    if asked.max_size > taken.max_size:
        beyond.append(f"validate.max_size: {words.size(asked.max_size)}")
    if beyond:
        text = f"memories.ai does not take all that is allowed here ({', '.join(beyond)})"
        remedy = "Such files are refused there, or billed and then not indexed. Leave them out."
        yield Result(Grade.WARN, "settings", text, remedy)


def check_command(command: tuple[str, ...] | None) -> Iterator[Result]:
    """Look whether the command that tells people of troubles is there."""
    if command and shutil.which(command[0]) is None:
        text = f"on_trouble: {words.printable(command[0])} is not there, or cannot be run"
        remedy = "Give its full path and make it executable; until then nobody is told."
        yield Result(Grade.WARN, "on_trouble", text, remedy)


def names_folders(settings: Settings) -> bool:
    """Tell whether files go to folders of the account whose names could be slips of the pen."""
    return settings.api.scope is ScopeKind.UNIQUE_ID and any(
        name != _DEFAULT and "{" not in name
        for name in (folder.fields.unique_id for folder in settings.folders)
    )


def check_scopes(settings: Settings, known: tuple[str, ...] | None) -> Iterator[Result]:
    """Compare the configured folders of the account with those that are there."""
    if known is None:
        return
    wanted = dict.fromkeys(folder.fields.unique_id for folder in settings.folders)
    for name in wanted:
        if name in (*known, _DEFAULT) or "{" in name:  # a template: known when a file is there
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "If that is meant, all is well."
        text = f"unique_id {name!r} is not there yet: the first upload makes it"
        yield Result(Grade.WARN, "unique_id", text, hint)


def check_twins(state_dir: Path, key: ApiKey) -> Iterator[Result]:
    """Look for a second journal with the same key: what one paid for, the other does not know."""
    digest = key.digest
    try:
        twins = in_child(lambda: list(_twins(state_dir, digest)), _LOOKING_S)
    except NoAnswerError:
        return
    for twin in twins:
        text = f"{words.printable(twin)} is another journal with the same key"
        remedy = (
            "Never let both watch the same files, and give each a part of upload.per_minute; if it "
            "is an old one, move it away."
        )
        yield Result(Grade.WARN, "journal", text, remedy)


def _twins(state_dir: Path, digest: str) -> Iterator[str]:
    ours = os.path.realpath(state_dir)
    for place in dict.fromkeys(map(os.path.realpath, _usual_places())):
        if place != ours and _digest_in(Path(place)) == digest:
            yield place


def _usual_places() -> Iterable[Path]:
    yield _SYSTEM_STATE
    with suppress(OSError):
        yield from sorted(one for one in _SYSTEM_STATE.iterdir() if one.is_dir())
    for user in pwd.getpwall():
        yield Path(user.pw_dir, _OWN_STATE)


def _digest_in(state_dir: Path) -> object:
    """Which key a journal used last; None: there is none, or it cannot be read."""
    from ingestd.daemon.sending.gatekeeper import KEY_DIGEST  # noqa: PLC0415 - brings the whole daemon

    try:
        if not (state_dir / JOURNAL_NAME).is_file():
            return None
        with as_owner(state_dir), JournalReader.open(state_dir) as reader:
            return reader.meta(KEY_DIGEST)
    except (OSError, JournalError):
        return None
