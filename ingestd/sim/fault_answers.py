"""How faults change an answer: replace it, keep it from arriving, or rewrite it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ingestd.sim.answers import Answer, Delivery, bare, html_page, http_date, spring_error
from ingestd.sim.fault_kinds import FaultKind
from ingestd.sim.faults import BodyForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.sim.dialect import Dialect
    from ingestd.sim.faults import Active, Fault

_CONNECTION_FAULTS: Final[Mapping[FaultKind, Delivery]] = {
    FaultKind.DROP: Delivery.DROP,
    FaultKind.CUT_BODY: Delivery.DROP,  # the body ended before the byte that it waited for
    FaultKind.HANG: Delivery.HANG,
}
_MANGLING_FAULTS: Final = frozenset(
    {FaultKind.NO_VIDEO_NO, FaultKind.TRUNCATED_JSON, FaultKind.CUT_ANSWER},
)


def spoils(fault: Fault, ordinary: Answer) -> bool:
    """Whether a fault that lets the request take effect replaces its answer.

    A request that was refused anyway keeps its refusal, unless it is the connection that fails.
    """
    return ordinary.succeeded or fault.kind in _CONNECTION_FAULTS


def replacement(
    fault: Fault, ordinary: Answer | None, dialect: Dialect, path: str, now: float
) -> Answer:
    """What is answered instead of `ordinary`; that is None when the request took no effect."""
    if fault.kind in _CONNECTION_FAULTS:
        return Answer(delivery=_CONNECTION_FAULTS[fault.kind], reset=fault.reset)
    if fault.kind in _MANGLING_FAULTS:
        base = ordinary or Answer(envelope=dialect.success({}))
        return replace(_mangled(fault, base), reset=fault.reset)
    answer = _with_body(fault, dialect, path, now)
    return replace(answer, headers=answer.headers + _headers(fault, now), reset=fault.reset)


def _mangled(fault: Fault, answer: Answer) -> Answer:
    payload = answer.payload()
    half = fault.position(len(payload)) or len(payload) // 2
    if fault.kind is FaultKind.TRUNCATED_JSON:
        return replace(answer, envelope=None, body=payload[:half])
    if fault.kind is FaultKind.CUT_ANSWER:
        return replace(answer, delivery=Delivery.CUT, cut_at=half)
    envelope = dict(answer.envelope or {})
    data = envelope.get("data")
    if isinstance(data, dict):
        envelope["data"] = {k: v for k, v in data.items() if k != "videoNo"}
    return replace(answer, envelope=envelope)


def _with_body(fault: Fault, dialect: Dialect, path: str, now: float) -> Answer:
    status = fault.spec.status if fault.status is None else fault.status
    form = fault.body or BodyForm(fault.spec.body)
    if fault.body is None and fault.code is not None:
        form = BodyForm.ENVELOPE
    if form is BodyForm.SPRING:
        return spring_error(status, path, now)
    if form is BodyForm.HTML:
        return html_page(status)
    if form is BodyForm.EMPTY:
        return bare(status)
    code = fault.spec.code if fault.code is None else fault.code
    msg = fault.spec.msg if fault.msg is None else fault.msg
    return Answer(status=status, envelope=dialect.refusal(code, msg))


def _headers(fault: Fault, now: float) -> tuple[tuple[str, str], ...]:
    headers = []
    if fault.kind is FaultKind.REDIRECT:
        headers.append(("Location", fault.location))
    if fault.retry_after is not None:
        wait = (
            http_date(now + fault.retry_after)
            if fault.retry_after_date
            else str(round(fault.retry_after))
        )
        headers.append(("Retry-After", wait))
    return tuple(headers)


def rewritten(answer: Answer, active: Active) -> Answer:
    """`answer` after all drawn faults that change details of it."""
    for fault in active:
        rewrite = _REWRITES.get(fault.kind)
        if rewrite is not None:
            answer = rewrite(answer, fault)
    return answer


def _slow(answer: Answer, fault: Fault) -> Answer:
    return replace(answer, delay_s=fault.seconds)


def _large(answer: Answer, fault: Fault) -> Answer:
    return replace(answer, padding=fault.size)


def _numeric_code(answer: Answer, _: Fault) -> Answer:
    return _envelope_changed(answer, lambda e: {**e, "code": int(e["code"])})


def _short_code(answer: Answer, _: Fault) -> Answer:
    return _envelope_changed(answer, lambda e: {**e, "code": str(int(e["code"]))})


def _drifted(answer: Answer, _: Fault) -> Answer:
    return _envelope_changed(answer, lambda e: {**e, "data": _swap_types(e.get("data"))})


def _no_size(answer: Answer, _: Fault) -> Answer:
    return _envelope_changed(answer, lambda e: {**e, "data": _without_sizes(e.get("data"))})


def _null_data(answer: Answer, _: Fault) -> Answer:
    return _envelope_changed(answer, lambda e: {**e, "data": None})


_REWRITES: Final[Mapping[FaultKind, Callable[[Answer, Fault], Answer]]] = {
    FaultKind.SLOW: _slow,
    FaultKind.LARGE_ANSWER: _large,
    FaultKind.NUMERIC_CODE: _numeric_code,
    FaultKind.SHORT_CODE: _short_code,
    FaultKind.TYPE_DRIFT: _drifted,
    FaultKind.NO_SIZE: _no_size,
    FaultKind.NULL_METADATA: _null_data,
}


def _envelope_changed(
    answer: Answer, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Answer:
    if answer.envelope is None or "code" not in answer.envelope:
        return answer
    return replace(answer, envelope=change(answer.envelope))


def _swap_types(value: Any) -> Any:
    """Numbers as texts, and texts of digits as numbers, all the way down."""
    if isinstance(value, dict):
        return {key: _swap_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_swap_types(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return str(value)
    return int(value) if value.isascii() and value.isdigit() else value


def _without_sizes(data: Any) -> Any:
    if not isinstance(data, dict) or not isinstance(data.get("videos"), list):
        return data
    rows = [{k: v for k, v in row.items() if k != "size"} for row in data["videos"]]
    return {**data, "videos": rows}
