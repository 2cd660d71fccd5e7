"""Reads answers of the far side, whatever generation or proxy wrote them (contract 0.1).

The documented shape is `{"code": "0000", "msg", "data", "success", "failed"}`; recorded answers
leave keys out, send integers for strings and strings for integers, and infrastructure answers with
other JSON, HTML or half of either. `msg` is shown to people and never read for meaning: one text
stands for several causes (contract 5.3).
"""

from __future__ import annotations

import email.utils
import json
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

TEXT_LIMIT: Final = 200  # characters of the far side's words that a person sees
BODY_LIMIT: Final = 4 << 20  # bytes of an answer that are read
_NAME_LIMIT: Final = 500
_ID_LIMIT: Final = 64
_LONGEST_RETRY_AFTER: Final = 24 * 3600.0
_SUCCESS_CODES: Final = frozenset({"0", "200", "SUCCESS"})
_NOTHINGS: Final = frozenset({"", "null", "none", "undefined"})
_JOINERS: Final = "\u200c\u200d"  # part of emoji and of several scripts
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A JSON answer in the far side's own shape."""

    code: str  # without leading zeros: "0" is success; "" where the key is missing
    message: str  # for people only
    data: Any
    success: bool | None  # None: the key is missing

    @property
    def ok(self) -> bool:
        """Tell whether the far side says that it did what it was asked."""
        return self.code in _SUCCESS_CODES or (not self.code and self.success is True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with the secret already struck out."""

    http: int
    envelope: Envelope | None  # None: not in the far side's shape
    retry_after: float | None = None  # seconds
    date: float | None = None  # the far side's clock, seconds


@dataclass(frozen=True, slots=True)
class Loss:
    """No answer came back."""

    text: str  # what happened instead, in a person's words, without a full stop


def read_answer(
    http: int, body: bytes, *, secret: str, now: float, retry_after: str = "", date: str = ""
) -> Answer:
    """Read an answer of any shape; never raises.

    Args:
        http: The HTTP status.
        body: The body as far as it came; decoded, at most `BODY_LIMIT`.
        secret: Struck out wherever the far side echoes it.
        now: Wall clock, for a far side that does not tell its own.
        retry_after: The header of that name: seconds or an HTTP date (RFC 9110 10.2.3).
        date: The header of that name.
    """
    sent_at = _http_date(date)
    delay = _delay(retry_after, now if sent_at is None else sent_at)
    return Answer(http, _envelope(body, secret), delay, sent_at)


def shown(text: str, secret: str = "", limit: int = TEXT_LIMIT) -> str:
    """Make foreign text fit for a terminal and a log line: one line, not long, no secret."""
    words = " ".join(text.split())
    visible = "".join(char for char in words if unicodedata.category(char) not in _INVISIBLE)
    safe = _without(secret, visible)  # now, that nothing invisible can split it any more
    return safe if len(safe) <= limit else safe[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def as_text(value: Any, secret: str = "") -> str | None:
    """Read a text that a person sees; the words that mean nothing (`"null"`) are None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = shown(str(value), secret)
    return None if text.lower() in _NOTHINGS else text


def as_name(value: Any) -> str | None:
    """Read a stored name; blanks and joiners stay, for names are compared as a whole (rules R2)."""
    if not isinstance(value, str) or value.strip().lower() in _NOTHINGS:
        return None
    kept = (char for char in value[:_NAME_LIMIT] if char in _JOINERS or not _steers(char))
    return "".join(kept)


def as_number(value: Any) -> float | None:
    """Read a number that may come as a text; negative and absurd ones are None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1 << 63 else None


def as_seconds(milliseconds: Any) -> float | None:
    """Read a time in milliseconds since the epoch; 0 stands for an unknown one."""
    number = as_number(milliseconds)
    return number / 1000 if number else None


def as_id(value: Any) -> str | None:
    """Read a video number; integers are kept as text, since they exceed 2^53 (contract 0.1)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    plausible = 0 < len(text) <= _ID_LIMIT and all("!" <= char <= "~" for char in text)
    return None if not plausible or text.lower() in _NOTHINGS or text in {"0", "-1"} else text


def _envelope(body: bytes, secret: str) -> Envelope | None:
    text = _without(secret, body.decode("utf-8-sig", "replace"))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not ("code" in value or "success" in value):
        return None  # a Spring body holds timestamp, path, status, error, requestId
    return Envelope(
        code=_code(value.get("code")),
        message=as_text(value.get("msg"), secret) or "",
        data=value.get("data"),
        success=value["success"] if isinstance(value.get("success"), bool) else None,
    )


def _code(value: Any) -> str:
    text = (as_text(value) or "").upper()
    return text.lstrip("0") or "0" if text.isdecimal() else text


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "***") if secret else text


def _steers(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs"}


def _delay(text: str, sent_at: float) -> float | None:
    if text.strip().isdecimal():
        return min(float(text), _LONGEST_RETRY_AFTER)
    until = _http_date(text)
    return None if until is None else min(max(until - sent_at, 0.0), _LONGEST_RETRY_AFTER)


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
