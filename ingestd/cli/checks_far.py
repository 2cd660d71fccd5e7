"""Checks of the far side; the one question asked there is free of charge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.cli.checking import Grade, Result, two_sentences
from ingestd.errors import IngestdError, UsageError
from ingestd.remote import Failed, HttpxFarSide, Refusal

if TYPE_CHECKING:
    from ingestd.config import Api, ApiKey
    from ingestd.remote import Trouble

#: Troubles that only a key that is known can have; the words end a sentence.
_KNOWS_THE_KEY: Final = {
    Refusal.DISABLED: "the account is disabled",
    Refusal.CREDITS: "its credits are used up",
    Refusal.RATE: "it was asked too often just now",
}
_REMEDIES: Final = {
    Refusal.AUTH: "Put the right key in its place",
    Refusal.DISABLED: "Ask memories.ai about the account",
    Refusal.CREDITS: "Buy credits at memories.ai",
    Refusal.RATE: "Nothing to do; try again in a minute",
    Refusal.UNREACHABLE: "Check network, proxy and api.base_url; nothing is lost meanwhile",
    Refusal.GARBLED: "Check api.base_url: is this the API?",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What one free question showed."""

    result: Result
    trouble: Refusal | None = None
    clock: float | None = None  # the far side's, seconds
    folders: tuple[str, ...] | None = None  # the account's unique_ids; None: cannot be known


def check_api(api: Api, key: ApiKey, *, ask_folders: bool = False) -> Answered:
    """Ask for one row of the list: shows that the far side answers and takes the key.

    Args:
        api: where, and how.
        key: the key.
        ask_folders: ask for the names of the account's folders, too.
    """
    try:
        far = HttpxFarSide(
            api.base_url,
            lambda: key.secret,
            proxy=api.proxy,
            ca_file=str(api.ca_file) if api.ca_file else None,
        )
    except UsageError as error:
        return Answered(Result(Grade.FAIL, "api", *two_sentences(str(error))))
    try:
        answer = far.list_videos(None, page=1, size=1)
        if isinstance(answer, Failed):
            return Answered(_refused(api, answer.trouble), answer.trouble.kind)
        names = far.unique_ids() if ask_folders else None
    finally:
        far.close()
    known = "" if answer.total is None else f", {answer.total} videos there"
    folders = None if isinstance(names, Failed) else names
    result = Result(Grade.OK, "api", f"{api.base_url} takes the key{known}")
    return Answered(result, None, answer.date, folders)


def try_key(api: Api, key: ApiKey) -> str:
    """Try a key with a free call; returns what is known of it.

    Raises:
        IngestdError: memories.ai refuses it, or cannot be asked; it must not be stored.
    """
    answered = check_api(api, key)
    if answered.result.grade is Grade.OK:
        return "memories.ai takes it"
    if answered.trouble in _KNOWS_THE_KEY:
        return f"memories.ai knows it, but {_KNOWS_THE_KEY[answered.trouble]}"
    text = f"{answered.result.text}. Nothing was stored."
    if answered.trouble is Refusal.AUTH:
        raise IngestdError(f"The key was refused. {text} Copy it again from memories.ai.")
    raise IngestdError(f"The key could not be tried. {text} To store it all the same: --untried")


def _refused(api: Api, trouble: Trouble) -> Result:
    grade = Grade.WARN if trouble.kind is Refusal.RATE else Grade.FAIL
    remedy = _REMEDIES.get(trouble.kind, "Try again later")
    return Result(grade, "api", f"{api.base_url}: {trouble.text.rstrip('.')}", f"{remedy}.")
