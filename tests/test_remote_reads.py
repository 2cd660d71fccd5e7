"""What is read of the far side's answers, in every generation of them (contract 2 and 3)."""

from __future__ import annotations

import gzip
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from farside import PATIENCE, Line, ScriptedServer, answering, envelope, http
from ingestd.model import Scope, Video
from ingestd.remote import Failed, HttpxFarSide, Page, Refusal, retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT = Scope("unique_id", "default")
FOLDER = Scope("folder_id", "7")
NUMBER = "VI606404158946574336"

ROW_2026 = {
    "video_no": NUMBER,
    "video_name": "182082-867762198_tiny",
    "duration": 12,
    "size": 3284512,
    "status": "PARSE",
    "create_time": 1754037217992,
    "tags": ["holiday", "api"],
}
ROW_2025 = {
    "duration": "0",
    "size": "10768051",
    "status": "FAIL",
    "cause": "Indexing failed. ",
    "video_no": "VI611151298850443264",
    "video_name": "only  chats",
    "create_time": "1755169024347",
}
ROW_2025_WAITING = {
    "duration": "0",
    "status": " unparse ",
    "cause": "null",
    "video_no": "VI622833466192486400",
    "video_name": "paris-YT",
    "create_time": "1757954270072",
}


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.01)


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[ScriptedServer, HttpxFarSide]]]:
    opened: list[tuple[ScriptedServer, HttpxFarSide]] = []

    def start(*answers: bytes, script: Callable[[Line], None] | None = None, **settings: Any):
        server = ScriptedServer(script or answering(*answers))
        opened.append((server, HttpxFarSide(server.url, lambda: "sk-mavi-test", **settings)))
        return opened[-1]

    yield start
    for server, far in opened:
        far.close()
        with server:
            assert server.errors == []


def page_of(*rows: object, **more: object) -> bytes:
    data = {"videos": rows, "current_page": 1, "page_size": 200, "total_count": len(rows)}
    return http(envelope(data={**data, **more}))


@pytest.mark.parametrize(
    ("row", "video"),
    [
        (ROW_2026, Video(NUMBER, "PARSE", "182082-867762198_tiny", 3284512, 1754037217.992, 12.0)),
        (
            ROW_2025,
            Video(
                "VI611151298850443264",
                "FAIL",
                "only  chats",
                10768051,
                1755169024.347,
                cause="Indexing failed.",
            ),
        ),
        (
            ROW_2025_WAITING,
            Video("VI622833466192486400", "UNPARSE", "paris-YT", create_time=1757954270.072),
        ),
        ({"video_no": NUMBER}, Video(NUMBER, "")),
        ({"video_no": NUMBER, "size": "0", "create_time": 0, "duration": -1}, Video(NUMBER, "")),
        ({"video_no": NUMBER, "size": True, "status": 5, "video_name": 7}, Video(NUMBER, "5")),
        ({"video_no": NUMBER, "size": "1e400", "create_time": "soon"}, Video(NUMBER, "")),
        ({"video_no": 606404158946574336}, Video("606404158946574336", "")),
    ],
)
def test_rows_of_every_generation_are_read(served, row: dict[str, object], video: Video):
    _, far = served(page_of(row))
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Page)
    assert page.videos == (video,)


def test_one_video_is_read_like_a_row(served):
    server, far = served(http(envelope(data=ROW_2026)))
    video = far.metadata(NUMBER, DEFAULT)
    assert isinstance(video, Video)
    assert (video.status, video.size) == ("PARSE", 3284512)
    query = parse_qs(urlsplit(server.requests[0].target).query)
    assert query == {"video_no": [NUMBER], "unique_id": ["default"]}


def test_a_folder_is_no_part_of_the_question_for_one_video(served):
    server, far = served(http(envelope(data={"status": "UNPARSE"})))
    assert far.metadata(NUMBER, FOLDER) == Video(NUMBER, "UNPARSE")
    assert parse_qs(urlsplit(server.requests[0].target).query) == {"video_no": [NUMBER]}


@pytest.mark.parametrize("data", [None, {}])
def test_no_data_means_not_known_yet(served, data: object):
    _, far = served(http(envelope(data=data)))
    assert far.metadata(NUMBER, DEFAULT) is None


@pytest.mark.parametrize("data", [{**ROW_2026, "video_no": "VI1"}, [ROW_2026], "x", [], ""])
def test_an_answer_about_something_else_is_no_answer(served, data: object):
    _, far = served(http(envelope(data=data)))
    answer = far.metadata(NUMBER, DEFAULT)
    assert isinstance(answer, Failed)
    assert answer.trouble.kind is Refusal.GARBLED


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (DEFAULT, {"unique_id": "default"}),
        (FOLDER, {"folder_id": 7}),
        (Scope("folder_id", "-1"), {"folder_id": -1}),
        (Scope("folder_id", "Seven"), {"folder_id": "Seven"}),
        (None, {}),
    ],
)
def test_a_list_is_asked_for_in_the_words_of_its_generation(
    served, scope: Scope | None, expected: dict[str, object]
):
    server, far = served(page_of())
    far.list_videos(scope, page=3, size=50, video_name="clip~1a2b3c4d", video_nos=["VI1", "VI2"])
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/serve/api/v1/list_videos")
    assert json.loads(request.body) == {
        "page": 3,
        "size": 50,
        "video_name": "clip~1a2b3c4d",
        "video_nos": ["VI1", "VI2"],
        **expected,
    }


def test_a_plain_list_asks_for_nothing_more(served):
    server, far = served(page_of())
    far.list_videos(None)
    assert json.loads(server.requests[0].body) == {"page": 1, "size": 200}


def test_rows_that_cannot_be_read_are_left_out_but_counted(served):
    _, far = served(page_of(ROW_2026, None, "x", {}, {"video_no": None}, total_count="30"))
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Page)
    assert [video.video_no for video in page.videos] == [NUMBER]
    assert page.rows == 5
    assert page.total == 30


@pytest.mark.parametrize("data", [None, [], {}, {"videos": None}, {"videos": "x"}, "x"])
def test_an_answer_without_a_list_is_no_empty_list(served, data: object):
    _, far = served(http(envelope(data=data)))
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Failed)
    assert page.trouble.kind is Refusal.GARBLED


def test_the_far_sides_clock_comes_with_a_page(served):
    _, far = served(
        http(envelope(data={"videos": []}), headers={"Date": "Sun, 22 Nov 2026 10:00:00 GMT"})
    )
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Page)
    assert page.date == 1795341600.0


@pytest.mark.parametrize(
    "answer",
    [
        http({"msg": "ok", "data": {"videos": []}, "success": True}),
        http({"code": "SUCCESS", "data": {"videos": []}}),
        http({"code": 0, "data": {"videos": []}}),
        http(b"\xef\xbb\xbf" + json.dumps(envelope(data={"videos": []})).encode()),
        http(
            gzip.compress(json.dumps(envelope(data={"videos": []})).encode()),
            headers={"Content-Encoding": "gzip"},
        ),
    ],
)
def test_odd_successes_are_successes(served, answer: bytes):
    _, far = served(answer)
    assert isinstance(far.list_videos(DEFAULT), Page)


PASSING = {
    "0001": http(envelope("0001", msg="network abnormal")),
    "HTTP 503": http(b"", status=503),
    "HTTP 502": http(b"<html>", status=502),
    "half an answer": page_of(ROW_2026)[:-40],
    "nothing": b"",
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING)
def test_a_passing_trouble_is_tried_again(served, trouble: bytes):
    tries: list[bytes] = [trouble, page_of(ROW_2026)]

    def script(line: Line) -> None:
        if line.request() is not None:
            line.say(tries.pop(0))

    server, far = served(script=script)
    assert isinstance(far.list_videos(DEFAULT), Page)
    assert len(server.requests) == 2


LASTING = {
    "0401": (http(envelope("0401")), Refusal.AUTH),
    "0402": (http(envelope("0402")), Refusal.CREDITS),
    "0403": (http(envelope("0403")), Refusal.DISABLED),
    "0429": (http(envelope("0429")), Refusal.RATE),
    "9009": (http(envelope("9009")), Refusal.AUTH),
    "HTTP 401": (http(b"", status=401), Refusal.AUTH),
    "HTTP 429": (http(b"", status=429), Refusal.RATE),
    "HTML": (http(b"<html>Welcome</html>"), Refusal.GARBLED),
    "HTTP 302": (http(b"", status=302, headers={"Location": "/login"}), Refusal.GARBLED),
}


@pytest.mark.parametrize(("answer", "kind"), LASTING.values(), ids=LASTING)
def test_a_lasting_trouble_is_told_at_once(served, answer: bytes, kind: Refusal):
    server, far = served(answer)
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Failed)
    assert page.trouble.kind is kind
    assert len(server.requests) == 1


def test_tries_end_after_three(served):
    server, far = served(http(b"", status=503))
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Failed)
    assert page.trouble.kind is Refusal.UNREACHABLE
    assert len(server.requests) == 3


def test_each_try_passes_the_limiter(served):
    passed: list[int] = []
    _, far = served(
        http(envelope("0001")), page_of(), read_limiter=lambda: passed.append(len(passed))
    )
    far.list_videos(DEFAULT)
    assert passed == [0, 1]


def test_close_ends_a_read_and_its_retries(served):
    asked, silence = threading.Event(), threading.Event()

    def script(line: Line) -> None:
        line.request()
        asked.set()
        silence.wait(PATIENCE)

    _, far = served(script=script)
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(far.list_videos(DEFAULT)))
    thread.start()
    assert asked.wait(PATIENCE)
    far.close()
    thread.join(5)
    silence.set()
    assert isinstance(answers[0], Failed)


def test_a_huge_answer_is_cut_off(served):
    def script(line: Line) -> None:
        line.request()
        line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(64):
            line.say(b"x" * (1 << 20))

    _, far = served(script=script)
    page = far.list_videos(DEFAULT)
    assert isinstance(page, Failed)
    assert page.trouble.kind is Refusal.GARBLED


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(served):
    bomb = gzip.compress(b" " * (64 << 20))
    _, far = served(http(bomb, headers={"Content-Encoding": "gzip"}))
    assert isinstance(far.list_videos(DEFAULT), Failed)
