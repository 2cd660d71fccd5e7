"""The kinds of faults and what each does when nothing else is said (contract 9, 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTCOME: Final = "outcome"
"""The group of all kinds that replace the answer or end the connection."""


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    RATE_LIMIT = "rate_limit"
    HTTP_429 = "http_429"
    NO_CREDITS = "no_credits"
    BAD_KEY = "bad_key"
    DISABLED = "disabled"
    NO_PERMISSION = "no_permission"
    DUPLICATE_REQUEST = "duplicate_request"
    NETWORK_ABNORMAL = "network_abnormal"
    REFUSE = "refuse"
    HTTP_ERROR = "http_error"
    REDIRECT = "redirect"
    HTML = "html"
    EARLY_ANSWER = "early_answer"
    CUT_BODY = "cut_body"
    DROP = "drop"
    HANG = "hang"
    NO_VIDEO_NO = "no_video_no"
    TRUNCATED_JSON = "truncated_json"
    CUT_ANSWER = "cut_answer"
    STALL = "stall"
    SLOW = "slow"
    LARGE_ANSWER = "large_answer"
    NUMERIC_CODE = "numeric_code"
    SHORT_CODE = "short_code"
    TYPE_DRIFT = "type_drift"
    NO_SIZE = "no_size"
    NULL_METADATA = "null_metadata"
    LATE_ROW = "late_row"
    HEX_NAME = "hex_name"
    STUCK = "stuck"
    FAIL = "fail"
    DUPLICATE_ROWS = "duplicate_rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Defaults of one kind.

    Attributes:
        help: One line for people.
        group: Kinds of one group exclude each other within a request; "" = a group of its own.
        endpoint: Whose requests it hits when the fault names none.
        accepted: Whether the request takes effect.
        status: HTTP status of its answer.
        code: Envelope code of its answer.
        msg: Envelope text of its answer.
        body: Form of its answer's body.
    """

    help: str
    group: str = OUTCOME
    endpoint: str = "upload"
    accepted: bool = False
    status: int = 200
    code: str = "0001"
    msg: str = "network abnormal"
    body: str = "envelope"


LIMIT_TEXT: Final = "Request has exceeded the limit."

SPECS: Final[Mapping[FaultKind, Spec]] = {
    FaultKind.RATE_LIMIT: Spec(help="0429 in HTTP 200", code="0429", msg=LIMIT_TEXT),
    FaultKind.HTTP_429: Spec(
        help="HTTP 429; body envelope, spring, html or empty; retry_after, retry_after_date",
        status=429,
        code="0429",
        msg=LIMIT_TEXT,
    ),
    FaultKind.NO_CREDITS: Spec(
        help="0402; status 402 for HTTP 402", code="0402", msg="You don't have enough points."
    ),
    FaultKind.BAD_KEY: Spec(
        help="0401; status 401 for HTTP 401",
        code="0401",
        msg="Authorization is invalid or incorrect.",
    ),
    FaultKind.DISABLED: Spec(help="0403", code="0403", msg="Developer account has been disabled."),
    FaultKind.NO_PERMISSION: Spec(help="9009", code="9009", msg="Permission denied."),
    FaultKind.DUPLICATE_REQUEST: Spec(
        help="0409", code="0409", msg="Duplicate requests are not allowed"
    ),
    FaultKind.NETWORK_ABNORMAL: Spec(help='0001 "network abnormal"'),
    FaultKind.REFUSE: Spec(help="an envelope of your own: status, code, msg"),
    FaultKind.HTTP_ERROR: Spec(
        help="HTTP 503, or status; body spring, html, empty or envelope", status=503, body="spring"
    ),
    FaultKind.REDIRECT: Spec(help="HTTP 302, or status, to location", status=302, body="empty"),
    FaultKind.HTML: Spec(help="a web page with HTTP 200", body="html"),
    FaultKind.EARLY_ANSWER: Spec(
        help="answers after after_bytes of the body (HTTP 413, or status and code), "
        "then: read_on, stop (reads no more) or close",
        status=413,
        body="html",
    ),
    FaultKind.CUT_BODY: Spec(help="ends the connection after after_bytes of the body"),
    FaultKind.DROP: Spec(help="ends the connection after the whole body, without an answer"),
    FaultKind.HANG: Spec(help="never answers; ends when the client goes"),
    FaultKind.NO_VIDEO_NO: Spec(help="0000 without videoNo", accepted=True),
    FaultKind.TRUNCATED_JSON: Spec(
        help="a complete HTTP answer with half the JSON, or after_bytes of it", accepted=True
    ),
    FaultKind.CUT_ANSWER: Spec(
        help="the connection ends amid the answer's body, or after after_bytes of it",
        accepted=True,
    ),
    FaultKind.STALL: Spec(
        help="stops reading for seconds after after_bytes of the body, then goes on", group=""
    ),
    FaultKind.SLOW: Spec(
        help="the answer comes seconds after the request took effect", group="", endpoint="any"
    ),
    FaultKind.LARGE_ANSWER: Spec(
        help="the answer grows by size bytes of white space", group="", endpoint="any"
    ),
    FaultKind.NUMERIC_CODE: Spec(
        help="the code is a JSON number: 0, 429", group="code", endpoint="any"
    ),
    FaultKind.SHORT_CODE: Spec(
        help='the code has no leading zeros: "0", "429"', group="code", endpoint="any"
    ),
    FaultKind.TYPE_DRIFT: Spec(
        help="in data, numbers become texts and texts of digits become numbers",
        group="",
        endpoint="any",
    ),
    FaultKind.NO_SIZE: Spec(help="list rows have no size", group="", endpoint="list_videos"),
    FaultKind.NULL_METADATA: Spec(help="data is null", group="", endpoint="get_metadata"),
    FaultKind.LATE_ROW: Spec(help="lists show the new row only after seconds", group=""),
    FaultKind.HEX_NAME: Spec(help="stored under 32 hex digits", group=""),
    FaultKind.STUCK: Spec(help="stays UNPARSE", group="fate"),
    FaultKind.FAIL: Spec(help="indexing fails", group="fate"),
    FaultKind.DUPLICATE_ROWS: Spec(help="rows rows for one upload", group=""),
}
