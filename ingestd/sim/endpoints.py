"""What each endpoint answers; pure of sockets, the time is an argument."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestd.sim.account import ORDINARY, Account, RowShape
from ingestd.sim.answers import JSON_TYPE, Answer, Refused, http_date, spring_error
from ingestd.sim.library import DEFAULT_UNIQUE_ID
from ingestd.sim.listing import parse_query
from ingestd.sim.routes import Endpoint, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.sim.form import UploadForm
    from ingestd.sim.library import Video
    from ingestd.sim.wire import Request

DELETE_MAX: Final = 100
HTTP_STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "0401": 401,
    "0402": 402,
    "0403": 403,
    "0429": 429,
    "9009": 403,
}
"""HTTP statuses that refusals have under `http_refusals` (contract 9.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read to its end.

    Attributes:
        route: Where it went.
        request: Its head.
        body: Its body, if that was kept.
        form: Its form, if it was an upload in multipart form.
        shape: What is to become of the row.
    """

    route: Route
    request: Request
    body: bytes = b""
    form: UploadForm | None = None
    shape: RowShape = ORDINARY


def answer_call(account: Account, call: Call, now: float) -> tuple[Answer, Video | None]:
    """The ordinary answer, and the video that an upload became."""
    if call.route.outside:
        return spring_error(404, call.request.path, now), None
    try:
        _enter(account, call, now)
        if call.route.endpoint is Endpoint.UPLOAD:
            video = _upload(account, call, now)
            return Answer(envelope=account.dialect.success(account.dialect.accepted(video))), video
        data = _HANDLERS[call.route.endpoint](account, call, now)
    except Refused as refusal:
        return refused(account, refusal, now), None
    return Answer(envelope=account.dialect.success(data)), None


def _enter(account: Account, call: Call, now: float) -> None:
    """What every request has to pass: its path, its key, its rate limiter."""
    if call.route.problem is not None:
        raise Refused("0001", call.route.problem)
    account.check_key(call.request.headers.get("authorization"))
    account.take_place(call.route.endpoint, now)


def refused(account: Account, refusal: Refused, now: float) -> Answer:
    """A refusal in the dialect and with the HTTP status that the settings ask for."""
    settings = account.settings
    status = HTTP_STATUS_OF_CODE.get(refusal.code, 200) if settings.http_refusals else 200
    headers: tuple[tuple[str, str], ...] = ()
    if refusal.wait is not None and settings.retry_after != "absent":
        in_seconds = settings.retry_after == "seconds"
        when = str(max(1, round(refusal.wait))) if in_seconds else http_date(now + refusal.wait)
        headers = (("Retry-After", when),)
    envelope = account.dialect.refusal(refusal.code, refusal.msg)
    return Answer(status=status, envelope=envelope, headers=headers)


def _upload(account: Account, call: Call, now: float) -> Video:
    if call.form is None:
        kind = call.request.headers.get("content-type", "")
        raise Refused(account.settings.invalid_code, f"Content-Type '{kind}' is not supported")
    return account.accept(call.form, call.shape, now)


def _metadata(account: Account, call: Call, now: float) -> Any:
    """Null for an unknown video and for one of another namespace (contract 2)."""
    video_no = _parameter(account, call, "video_no", None)
    unique_id = _scope(account, call)
    video = account.library.get(video_no)
    if video is None or video.deleted_at is not None:
        return None
    if unique_id not in {None, video.details.unique_id}:
        return None
    return account.dialect.metadata(video, now)


def _list(account: Account, call: Call, now: float) -> Any:
    query = parse_query(_json_body(account, call), account.settings)
    if query.unique_id is not None:
        account.library.touch_unique_id(query.unique_id)
    found = [v for v in account.library.newest_first(now) if query.selects(v, now)]
    first = (query.page - 1) * query.size
    rows = [account.dialect.row(v, now) for v in found[first : first + query.size]]
    return account.dialect.page(rows, query.page, query.size, len(found))


def _delete(account: Account, call: Call, now: float) -> Any:
    """Unknown videos are passed over; a second deletion is one of the two documented things."""
    unique_id = _scope(account, call)
    video_nos = _video_nos(account, _json_body(account, call))
    for video_no in video_nos:
        video = account.library.get(video_no)
        if video is None:
            continue
        if video.deleted_at is not None and account.settings.double_delete != "0000":
            raise Refused(account.settings.double_delete, "Duplicate requests are not allowed")
        if unique_id in {None, video.details.unique_id}:
            account.library.delete(video_no, now)
    return account.dialect.deleted()


def _video_nos(account: Account, body: bytes) -> list[str]:
    code = account.settings.invalid_code
    try:
        value = json.loads(body)
    except ValueError as mistake:
        raise Refused(code, "JSON parse error") from mistake
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused(code, "JSON parse error: an array of strings is expected")
    if len(value) > DELETE_MAX:
        raise Refused(code, f"at most {DELETE_MAX} videos can be deleted at once")
    return value


def _unique_ids(account: Account, _call: Call, _now: float) -> Any:
    return {"unique_ids": account.library.unique_ids()}


def _json_body(account: Account, call: Call) -> bytes:
    """The body, if it is announced as JSON or empty.

    Raises:
        Refused: It is announced as something else.
    """
    kind = call.request.headers.get("content-type", "")
    if call.body and kind.partition(";")[0].strip().lower() != JSON_TYPE:
        raise Refused(account.settings.invalid_code, f"Content-Type '{kind}' is not supported")
    return call.body


def _scope(account: Account, call: Call) -> str | None:
    """The namespace of a query; None when the account knows none (contract 9.7)."""
    if account.settings.scopes == "folder_id":
        return None
    return _parameter(account, call, "unique_id", DEFAULT_UNIQUE_ID)


def _parameter(account: Account, call: Call, name: str, default: str | None) -> str:
    """A query parameter that must not be empty.

    Raises:
        Refused: It is empty, or missing without a default.
    """
    value = call.request.query.get(name, [default])[0]
    if value is None:
        raise Refused(
            account.settings.invalid_code,
            f"Required request parameter '{name}' for method parameter type String is not present",
        )
    if not value.strip():
        raise Refused(account.settings.invalid_code, f"{name} must not be empty")
    return value


_HANDLERS: Final[Mapping[Endpoint, Callable[[Account, Call, float], Any]]] = {
    Endpoint.GET_METADATA: _metadata,
    Endpoint.DETAILS: _metadata,
    Endpoint.LIST_VIDEOS: _list,
    Endpoint.DELETE_VIDEOS: _delete,
    Endpoint.LIST_UNIQUE_IDS: _unique_ids,
}
