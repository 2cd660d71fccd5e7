"""Checks of the key and the far side; the one question asked there is free of charge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestd.cli.checking import Grade, Result
from ingestd.config import read_key
from ingestd.errors import UsageError
from ingestd.remote import Failed, HttpxFarSide, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.config import Api, ApiKey
    from ingestd.remote import Trouble

_REMEDIES: Final = {
    Refusal.AUTH: "Put the right key in its place",
    Refusal.DISABLED: "Ask memories.ai about the account",
    Refusal.CREDITS: "Buy credits at memories.ai",
    Refusal.RATE: "Nothing to do; try again in a minute",
    Refusal.UNREACHABLE: "Check network, proxy and api.base_url; nothing is lost meanwhile",
    Refusal.GARBLED: "Check api.base_url: is this the API?",
}


def check_key(api: Api, environ: Mapping[str, str]) -> tuple[ApiKey | None, Result]:
    """Look for the key."""
    try:
        key = read_key(api, environ)
    except UsageError as error:
        return None, Result(Grade.FAIL, "key", *_two_sentences(str(error)))
    if key.warning:
        return key, Result(Grade.WARN, "key", *_two_sentences(key.warning))
    return key, Result(Grade.OK, "key", f"{key.key_id} from {key.source}")


def _two_sentences(text: str) -> tuple[str, str]:
    what, _, remedy = text.partition(". ")
    return what.rstrip("."), remedy


def check_api(api: Api, key: ApiKey) -> Result:
    """Ask for one row of the list: shows that the far side answers and takes the key."""
    try:
        far = HttpxFarSide(
            api.base_url,
            lambda: key.secret,
            proxy=api.proxy,
            ca_file=str(api.ca_file) if api.ca_file else None,
        )
    except UsageError as error:
        return Result(Grade.FAIL, "api", *_two_sentences(str(error)))
    try:
        answer = far.list_videos(None, page=1, size=1)
    finally:
        far.close()
    if isinstance(answer, Failed):
        return _refused(api, answer.trouble)
    known = "" if answer.total is None else f", {answer.total} videos there"
    return Result(Grade.OK, "api", f"{api.base_url} takes the key{known}")


def _refused(api: Api, trouble: Trouble) -> Result:
    grade = Grade.WARN if trouble.kind is Refusal.RATE else Grade.FAIL
    remedy = _REMEDIES.get(trouble.kind, "Try again later")
    return Result(grade, "api", f"{api.base_url}: {trouble.text.rstrip('.')}", f"{remedy}.")
