"""What an attempt came to: the mark and the answer decide, and nothing else (rules R1).

Before the mark the last byte was provably held back, so everything but an id is "not accepted".
After it only an id or an explicit refusal is an outcome; all else is unknown.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ingestd.remote.contract import (
    Accepted,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Trouble,
    Unknown,
)
from ingestd.remote.envelope import Answer, Loss, as_id, as_name, as_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED_CODES: Final[Mapping[str, Refusal]] = {
    "401": Refusal.AUTH,
    "402": Refusal.CREDITS,
    "403": Refusal.DISABLED,
    "429": Refusal.RATE,
    "9009": Refusal.AUTH,
}
_REFUSED_STATUS: Final[Mapping[int, Refusal]] = {
    401: Refusal.AUTH,
    402: Refusal.CREDITS,
    403: Refusal.DISABLED,
    413: Refusal.FILE,
    415: Refusal.FILE,
    429: Refusal.RATE,
}
_PARAMETER_CODES: Final = frozenset({"1", "3"})  # also the far side's catch-all (contract 0.1)
_OF_LIMITS: Final = ("limit", "too many", "queue", "capacity")
_BAD_REQUEST: Final = 400
_SERVER_ERRORS: Final = 500  # and above
_NOBODY_THERE: Final = frozenset({407, 408, 499})  # a proxy or a gateway speaks, not the API

_SENTENCES: Final[Mapping[Refusal, str]] = {
    Refusal.RATE: "The account is too fast for memories.ai, or its indexing queue is full",
    Refusal.CREDITS: "The account has no credits left; buy some at memories.ai",
    Refusal.AUTH: "memories.ai does not accept the API key",
    Refusal.DISABLED: "memories.ai says that this account is disabled",
    Refusal.FILE: "memories.ai refused this very request",
    Refusal.UNREACHABLE: "memories.ai cannot be reached",
    Refusal.GARBLED: "What memories.ai answered cannot be read; perhaps api.base_url is wrong",
}


class Said(Enum):
    """What came back for an upload, when no id was read in it."""

    REFUSAL = auto()  # a code or status that says: not accepted
    PARAMETER = auto()  # 0001, 0003, HTTP 400: this request is wrong, or anything at all
    SUCCESS = auto()  # it says success and names no video: most likely it has one
    ENVELOPE = auto()  # readable, but neither an id nor a listed code
    SERVER_ERROR = auto()  # 5xx, or a proxy in place of the far side
    OTHER = auto()  # 3xx, other 4xx, HTML, half an answer
    NOTHING = auto()  # no answer


class _Means(Enum):
    """The cells of the table."""

    REFUSED = auto()
    NOT_SENT = auto()
    UNKNOWN = auto()
    UNKNOWN_READABLE = auto()  # three looks suffice


_TABLE: Final[Mapping[Said, tuple[_Means, _Means]]] = {
    # what came back:   before the mark, after the mark
    Said.REFUSAL: (_Means.REFUSED, _Means.REFUSED),
    Said.PARAMETER: (_Means.REFUSED, _Means.UNKNOWN_READABLE),
    Said.SUCCESS: (_Means.NOT_SENT, _Means.UNKNOWN),  # a quick "not found" would not be careful
    Said.ENVELOPE: (_Means.NOT_SENT, _Means.UNKNOWN_READABLE),
    Said.SERVER_ERROR: (_Means.NOT_SENT, _Means.UNKNOWN),
    Said.OTHER: (_Means.NOT_SENT, _Means.UNKNOWN),
    Said.NOTHING: (_Means.NOT_SENT, _Means.UNKNOWN),
}


def outcome_of(reply: Answer | Loss, *, marked: bool, content_hash: str | None) -> Outcome:
    """Judge an attempt.

    Args:
        reply: What came back.
        marked: Whether the mark was granted: the last byte may have gone out.
        content_hash: The blake3 of the file, where all of its bytes were read.
    """
    accepted = _accepted(reply, content_hash)
    if accepted is not None:  # an id was read: paid, mark or no mark
        return accepted
    means = _TABLE[said(reply)][marked]
    trouble = trouble_of(reply)
    if means is _Means.REFUSED:
        return Refused(trouble)
    if means is _Means.NOT_SENT:
        return NotSent(trouble)
    readable = means is _Means.UNKNOWN_READABLE
    return Unknown(trouble.text, readable=readable, limited=readable and _speaks_of_a_limit(reply))


def said(reply: Answer | Loss) -> Said:
    """Sort what came back without an id."""
    if isinstance(reply, Loss):
        return Said.NOTHING
    if _refusal(reply) is not None:
        return Said.REFUSAL
    if _nobody_there(reply):
        return Said.SERVER_ERROR
    if reply.http == _BAD_REQUEST or _code(reply) in _PARAMETER_CODES:
        return Said.PARAMETER
    if reply.envelope is not None and reply.envelope.ok:
        return Said.SUCCESS
    return Said.OTHER if reply.envelope is None else Said.ENVELOPE


def trouble_of(reply: Answer | Loss) -> Trouble:
    """Put a no into words and say what the caller does next."""
    if isinstance(reply, Loss):
        return Trouble(Refusal.UNREACHABLE, f"{reply.text}.")
    kind = _kind_of(reply)
    return Trouble(
        kind,
        f"{_SENTENCES[kind]} ({_quoted(reply)}).",
        code=_code(reply),
        http=reply.http,
        retry_after=reply.retry_after,
    )


def _kind_of(answer: Answer) -> Refusal:
    refusal = _refusal(answer)
    if refusal is not None:
        return refusal
    if _nobody_there(answer):
        return Refusal.UNREACHABLE
    if answer.http == _BAD_REQUEST or _code(answer) in _PARAMETER_CODES:
        return Refusal.FILE
    return Refusal.GARBLED


def _refusal(answer: Answer) -> Refusal | None:
    return _REFUSED_CODES.get(_code(answer)) or _REFUSED_STATUS.get(answer.http)


def _nobody_there(answer: Answer) -> bool:
    return answer.http >= _SERVER_ERRORS or answer.http in _NOBODY_THERE


def _code(answer: Answer) -> str:
    return answer.envelope.code if answer.envelope else ""


def _speaks_of_a_limit(reply: Answer | Loss) -> bool:
    """Tell whether the text is one that the far side uses for limits, and for other things too."""
    envelope = None if isinstance(reply, Loss) else reply.envelope
    text = (envelope.message if envelope else "").lower()
    return any(word in text for word in _OF_LIMITS)


def _accepted(reply: Answer | Loss, content_hash: str | None) -> Accepted | None:
    envelope = None if isinstance(reply, Loss) else reply.envelope
    data = envelope.data if envelope else None
    video_no = as_id(data.get("videoNo")) if isinstance(data, dict) else None
    if not isinstance(data, dict) or video_no is None:
        return None
    return Accepted(
        video_no,
        video_name=as_name(data.get("videoName")),
        content_hash=content_hash,
        create_time=as_seconds(data.get("uploadTime")),
    )


def _quoted(answer: Answer) -> str:
    words = [f"HTTP {answer.http}"]
    if answer.envelope and answer.envelope.code:
        words.append(f"code {answer.envelope.code}")
    if answer.envelope and answer.envelope.message:
        words.append(f'"{answer.envelope.message}"')
    return ", ".join(words)
