"""Answers as values: what is said, and how it is delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS: Final = "0000"
OK: Final = 200
JSON_TYPE: Final = "application/json"


class Refused(Exception):  # noqa: N818 - a documented answer of the far side, not an error of ours
    """The far side says no, with an envelope code.

    Attributes:
        code: Envelope code.
        msg: Envelope text.
        wait: Seconds until it makes sense to ask again, if a limiter knows.
    """

    def __init__(self, code: str, msg: str, *, wait: float | None = None) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg
        self.wait = wait


class Delivery(StrEnum):
    """What happens to an answer on its way."""

    SEND = "send"
    CUT = "cut"
    DROP = "drop"
    HANG = "hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        envelope: The JSON object of the body; None when `body` is the body.
        body: Raw body of an answer without an envelope.
        content_type: Of the body; None leaves the header out.
        headers: Further headers.
        padding: So many spaces follow the body (JSON allows them).
        delivery: Whether and how far it is sent.
        cut_at: With `Delivery.CUT`, how many bytes of the body go out before the connection ends.
        delay_s: Seconds of the stand-in's clock before it is sent.
        reset: A connection that ends, ends with a reset.
    """

    status: int = 200
    envelope: Mapping[str, Any] | None = None
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    padding: int = 0
    delivery: Delivery = Delivery.SEND
    cut_at: int | None = None
    delay_s: float = 0.0
    reset: bool = False

    def payload(self) -> bytes:
        """The body without its padding."""
        return self.body if self.envelope is None else encode(self.envelope)

    @property
    def succeeded(self) -> bool:
        """Whether it reports success in the way of the API."""
        return self.envelope is not None and self.envelope.get("code") == SUCCESS

    @property
    def label(self) -> str:
        """Short name for counting: the envelope code, else the HTTP status, else what was done."""
        if self.delivery is not Delivery.SEND:
            return self.delivery.value
        code = "" if self.envelope is None else str(self.envelope.get("code", ""))
        if code and self.status == OK:
            return code.zfill(len(SUCCESS))
        return f"http {self.status} {code}".strip()


def encode(value: object) -> bytes:
    """JSON as the far side writes it: compact, other alphabets as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def http_date(epoch_s: float) -> str:
    """A time as HTTP headers have it (RFC 9110, section 5.6.7)."""
    return format_datetime(datetime.fromtimestamp(epoch_s, UTC), usegmt=True)


def phrase(status: int) -> str:
    """The reason phrase of a status; empty for one nobody has registered."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def spring_error(status: int, path: str, now: float) -> Answer:
    """An error of the far side's front: JSON, but no envelope (contract 0.1)."""
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    body = {
        "timestamp": stamp,
        "path": path,
        "status": status,
        "error": phrase(status),
        "requestId": f"{int(now * 1000) & 0xFFFFFFFF:08x}",
    }
    return Answer(status=status, body=encode(body))


def html_page(status: int) -> Answer:
    """What a proxy in between says."""
    title = f"{status} {phrase(status)}".strip()
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\r\n"
    return Answer(status=status, body=page.encode(), content_type="text/html; charset=utf-8")


def bare(status: int) -> Answer:
    """A status with no body at all."""
    return Answer(status=status, content_type=None)
