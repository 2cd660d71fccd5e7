"""Every cell of the table of outcomes (rules R1), over real connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from farside import ScriptedServer, accepted, envelope, http, upload_of
from ingestd.remote import (
    Accepted,
    HttpxFarSide,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from farside import Line

SPRING = {"timestamp": 1, "path": "/upload", "status": 500, "error": "E", "requestId": "x"}
HTML = b"<html><body>Bad Gateway</body></html>"
TRUNCATED = http(accepted())[:-40]

REFUSED, NOT_SENT = Refused, NotSent
READABLE, UNREADABLE = "unknown, readable", "unknown"

CELLS = {
    # what came back: (answer, before the mark, after the mark)
    "0401": (http(envelope("0401")), (REFUSED, Refusal.AUTH), Refusal.AUTH),
    "0402": (http(envelope("0402")), (REFUSED, Refusal.CREDITS), Refusal.CREDITS),
    "0403": (http(envelope("0403")), (REFUSED, Refusal.DISABLED), Refusal.DISABLED),
    "0429": (http(envelope("0429")), (REFUSED, Refusal.RATE), Refusal.RATE),
    "9009": (http(envelope("9009")), (REFUSED, Refusal.AUTH), Refusal.AUTH),
    "429 as a number": (http(envelope(429)), (REFUSED, Refusal.RATE), Refusal.RATE),
    "429 without keys": (
        http({"code": "0429", "msg": "Request has exceeded the limit."}),
        (REFUSED, Refusal.RATE),
        Refusal.RATE,
    ),
    "401 as a number": (http(envelope(401)), (REFUSED, Refusal.AUTH), Refusal.AUTH),
    "403 without zeros": (http(envelope("403")), (REFUSED, Refusal.DISABLED), Refusal.DISABLED),
    "402, too many zeros": (
        http(envelope("00000402")),
        (REFUSED, Refusal.CREDITS),
        Refusal.CREDITS,
    ),
    "0429 in a 400": (http(envelope("0429"), status=400), (REFUSED, Refusal.RATE), Refusal.RATE),
    "0401 in a 302": (http(envelope("0401"), status=302), (REFUSED, Refusal.AUTH), Refusal.AUTH),
    "HTTP 429 of a proxy": (http(HTML, status=429), (REFUSED, Refusal.RATE), Refusal.RATE),
    "HTTP 429 that says success": (
        http(envelope(), status=429),
        (REFUSED, Refusal.RATE),
        Refusal.RATE,
    ),
    "HTTP 429, text of V2": (
        http({"code": 429, "msg": "Rate limit exceeded", "data": None}, status=429),
        (REFUSED, Refusal.RATE),
        Refusal.RATE,
    ),
    "0402 in a 500": (
        http(envelope("0402"), status=500),
        (REFUSED, Refusal.CREDITS),
        Refusal.CREDITS,
    ),
    "HTTP 401": (http(b"", status=401), (REFUSED, Refusal.AUTH), Refusal.AUTH),
    "HTTP 402": (http(HTML, status=402), (REFUSED, Refusal.CREDITS), Refusal.CREDITS),
    "HTTP 403": (http(SPRING, status=403), (REFUSED, Refusal.DISABLED), Refusal.DISABLED),
    "HTTP 413": (http(HTML, status=413), (REFUSED, Refusal.FILE), Refusal.FILE),
    "HTTP 415": (http(b"", status=415), (REFUSED, Refusal.FILE), Refusal.FILE),
    "HTTP 429": (http(b"", status=429), (REFUSED, Refusal.RATE), Refusal.RATE),
    "HTTP 429, body cut": (
        b"HTTP/1.1 429 X\r\nContent-Length: 99\r\n\r\n{",
        (REFUSED, Refusal.RATE),
        Refusal.RATE,
    ),
    "0001": (http(envelope("0001", msg="network abnormal")), (REFUSED, Refusal.FILE), READABLE),
    "0003": (http(envelope("0003")), (REFUSED, Refusal.FILE), READABLE),
    "0409": (http(envelope("0409")), (NOT_SENT, Refusal.GARBLED), READABLE),
    "16": (http(envelope("16")), (NOT_SENT, Refusal.GARBLED), READABLE),
    "1 as a number": (http(envelope(1)), (REFUSED, Refusal.FILE), READABLE),
    "4290": (http(envelope("4290")), (NOT_SENT, Refusal.GARBLED), READABLE),
    "a code that is no number": (http(envelope("E0402")), (NOT_SENT, Refusal.GARBLED), READABLE),
    "0 as a number, no id": (http(envelope(0)), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a list": (
        http(envelope(data=[{"videoNo": "VI1"}])),
        (NOT_SENT, Refusal.GARBLED),
        UNREADABLE,
    ),
    "success alone": (http({"success": True}), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "failed alone": (http({"success": False}), (NOT_SENT, Refusal.GARBLED), READABLE),
    "HTTP 204": (
        b"HTTP/1.1 204 No Content\r\n\r\n",
        (NOT_SENT, Refusal.GARBLED),
        UNREADABLE,
    ),
    "HTTP 202": (http({}, status=202), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "HTTP 400 of V2": (
        http({"code": 400, "msg": "Request has exceeded the limit."}, status=400),
        (REFUSED, Refusal.FILE),
        READABLE,
    ),
    "HTTP 409": (http(envelope("0409"), status=409), (NOT_SENT, Refusal.GARBLED), READABLE),
    "HTTP 407": (http(HTML, status=407), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 520": (http(HTML, status=520), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "0000 without data": (http(envelope()), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with an empty id": (http(accepted("")), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a null id": (http(accepted("null")), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a long id": (http(accepted("V" * 65)), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a control id": (http(accepted("VI\n1")), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a true id": (http(accepted(True)), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "0000 with a float id": (http(accepted(5.6e17)), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "HTTP 400": (http(b"", status=400), (REFUSED, Refusal.FILE), READABLE),
    "HTTP 404": (http(SPRING, status=404), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "HTTP 301": (
        http(b"", status=301, headers={"Location": "http://127.0.0.1:1/"}),
        (NOT_SENT, Refusal.GARBLED),
        UNREADABLE,
    ),
    "HTTP 307 nowhere": (
        http(b"", status=307, headers={"Location": "http://[bad"}),
        (NOT_SENT, Refusal.GARBLED),
        UNREADABLE,
    ),
    "HTTP 408": (http(b"", status=408), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 499": (http(b"", status=499), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 500": (http(SPRING, status=500), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 500, 0001": (
        http(envelope("0001"), status=500),
        (NOT_SENT, Refusal.UNREACHABLE),
        UNREADABLE,
    ),
    "HTTP 502": (http(HTML, status=502), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 503": (http(SPRING, status=503), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTTP 504": (http(b"", status=504), (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "HTML": (http(HTML), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "JSON of another kind": (http([1, 2]), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "too deep JSON": (http(b"[" * 100_000), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "half a JSON": (http(b'{"code":"0000","da'), (NOT_SENT, Refusal.GARBLED), UNREADABLE),
    "cut in the answer": (TRUNCATED, (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "no HTTP": (b"220 mail.example ESMTP\r\n", (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "half a head": (b"HTTP/1.1 200 O", (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
    "nothing": (b"", (NOT_SENT, Refusal.UNREACHABLE), UNREADABLE),
}

TAKEN = {
    "2026": (http(accepted("VI1")), "VI1"),
    "2025": (http(envelope(data={"videoNo": "VI2", "videoName": "clip"})), "VI2"),
    "a number": (http(accepted(568102998803353600)), "568102998803353600"),
    "code SUCCESS": (http({"code": "SUCCESS", "data": {"videoNo": "VI3"}}), "VI3"),
    "beside an error code": (http(envelope("0001", data={"videoNo": "VI4"})), "VI4"),
    "in a 500": (http(accepted("VI5"), status=500), "VI5"),
    "in a 429": (http(accepted("VI8"), status=429), "VI8"),
    "beside 0429": (http(envelope("0429", data={"videoNo": "VI9"})), "VI9"),
    "a number beside 0001": (
        http(envelope(1, data={"videoNo": 568102998803353600})),
        "568102998803353600",
    ),
    "in a 302": (
        http(accepted("VI10"), status=302, headers={"Location": "http://127.0.0.1:1/"}),
        "VI10",
    ),
    "success as a number": (http(envelope(0, data={"videoNo": "VI11"})), "VI11"),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + http(accepted("VI6")),
        "VI6",
    ),
}


def after(answer: bytes) -> Callable[[Line], None]:
    def script(line: Line) -> None:
        if line.request() is not None:
            line.say(answer)

    return script


def before(answer: bytes) -> Callable[[Line], None]:
    def script(line: Line) -> None:
        request = line.head()
        if request is not None:
            line.body(request, limit=100_000)
            line.say(answer)
            line.sock.shutdown(1)  # half a head is followed by the end
            line.wait_for_end()

    return script


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(os.urandom(70_000))
    return path


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(24 << 20)  # more than the buffers between two sockets hold
    return path


@pytest.fixture
def far_sides() -> Iterator[Callable[[ScriptedServer], HttpxFarSide]]:
    made: list[HttpxFarSide] = []

    def make(server: ScriptedServer) -> HttpxFarSide:
        made.append(HttpxFarSide(server.url, lambda: "sk-mavi-test"))
        return made[-1]

    yield make
    for far in made:
        far.close()


def kind_of(outcome: Outcome) -> object:
    if isinstance(outcome, Unknown):
        return READABLE if outcome.readable else UNREADABLE
    if isinstance(outcome, Refused):
        return outcome.trouble.kind
    return outcome


@pytest.mark.parametrize(("answer", "_", "expected"), CELLS.values(), ids=CELLS)
def test_after_the_mark_only_a_listed_no_is_a_refusal(
    answer: bytes, _: object, expected: object, clip: Path, far_sides
):
    with ScriptedServer(after(answer)) as server:
        outcome = far_sides(server).upload(upload_of(clip))
    assert kind_of(outcome) == expected


LIMIT = "Request has exceeded the limit."


@pytest.mark.parametrize(
    ("answer", "speaks"),
    [
        (http(envelope("0001", msg=LIMIT)), True),
        (http(envelope("0003", msg="The indexing QUEUE is full")), True),
        (http({"code": 400, "msg": LIMIT}, status=400), True),
        (http(envelope("0001", msg="network abnormal")), False),
        (http(HTML, status=400), False),
        (http(envelope("0000", msg=LIMIT)), False),
        (http(envelope("0001", msg=LIMIT), status=502), False),
        (http(HTML + LIMIT.encode(), status=500), False),
    ],
)
def test_an_unknown_end_that_speaks_of_a_limit_is_told_from_others(
    answer: bytes, speaks: bool, clip: Path, far_sides
):
    with ScriptedServer(after(answer)) as server:
        outcome = far_sides(server).upload(upload_of(clip))
    assert isinstance(outcome, Unknown)
    assert outcome.limited is speaks


@pytest.mark.parametrize(("answer", "expected", "_"), CELLS.values(), ids=CELLS)
def test_before_the_mark_nothing_was_accepted(
    answer: bytes, expected: tuple[type, Refusal], _: object, long_clip: Path, far_sides
):
    marks: list[bool] = []
    upload = upload_of(long_clip, may_finish=lambda _: marks.append(True) or True)
    with ScriptedServer(before(answer)) as server:
        outcome = far_sides(server).upload(upload)
    assert (type(outcome), outcome.trouble.kind) == expected
    assert marks == []


@pytest.mark.parametrize("cell", ["0401", "HTTP 413", "HTTP 429", "0001", "HTTP 503", "nothing"])
def test_the_same_where_the_head_alone_was_heard(cell: str, long_clip: Path, far_sides):
    answer, expected, _ = CELLS[cell]

    def script(line: Line) -> None:
        if line.head() is not None:
            line.say(answer)
            line.sock.shutdown(1)
            line.wait_for_end()

    with ScriptedServer(script) as server:
        outcome = far_sides(server).upload(upload_of(long_clip))
    assert (type(outcome), outcome.trouble.kind) == expected


@pytest.mark.parametrize(("answer", "number"), TAKEN.values(), ids=TAKEN)
def test_an_id_means_accepted(answer: bytes, number: str, clip: Path, far_sides):
    with ScriptedServer(after(answer)) as server:
        outcome = far_sides(server).upload(upload_of(clip))
    assert isinstance(outcome, Accepted)
    assert outcome.video_no == number
    assert outcome.content_hash is not None


def test_an_id_before_the_mark_is_believed_too(long_clip: Path, far_sides):
    with ScriptedServer(before(http(accepted("VI7")))) as server:
        outcome = far_sides(server).upload(upload_of(long_clip))
    assert outcome == Accepted(
        "VI7", "1be6a69f3c6e49bf986235d68807ab1f", content_hash=None, create_time=1744905509.814
    )


def test_nobody_listening_is_not_sent(clip: Path, far_sides):
    with ScriptedServer(after(b"")) as server:
        far = far_sides(server)
    outcome = far.upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert outcome.trouble.kind is Refusal.UNREACHABLE
    assert "refused" in outcome.trouble.text


def test_a_connection_reset_after_the_body_is_unknown(clip: Path, far_sides):
    def script(line: Line) -> None:
        line.request()
        line.reset()

    with ScriptedServer(script) as server:
        outcome = far_sides(server).upload(upload_of(clip))
    assert kind_of(outcome) == UNREADABLE


def test_a_connection_reset_in_the_head_is_not_sent(long_clip: Path, far_sides):
    with ScriptedServer(lambda line: line.reset()) as server:
        outcome = far_sides(server).upload(upload_of(long_clip))
    assert isinstance(outcome, NotSent)


def test_the_wait_the_far_side_asks_for_is_kept(clip: Path, far_sides):
    dated = {
        "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
        "Retry-After": "Sun, 22 Nov 2026 10:01:30 GMT",
    }
    answers = [
        http(envelope("0429"), headers={"Retry-After": "120"}),
        http(envelope("0429"), headers=dated),
        http(envelope("0429"), headers={"Retry-After": "soon"}),
    ]
    waits = []
    for answer in answers:
        with ScriptedServer(after(answer)) as server:
            outcome = far_sides(server).upload(upload_of(clip))
        assert isinstance(outcome, Refused)
        waits.append(outcome.trouble.retry_after)
    assert waits == [120.0, 90.0, None]
