"""Every fault switch of the stand-in, felt at the other end of a real socket."""

from __future__ import annotations

import json
import socket
import threading

import httpx
import pytest

from ingestd.sim import Fault, FaultKind
from ingestd.sim.fault_kinds import SPECS
from test_sim_kit import (
    BOUNDARY,
    KEY,
    Clock,
    Form,
    accepted,
    connect,
    get,
    listed,
    metadata,
    post,
    read_all,
    rows,
    running,
    send,
    until,
)

ENVELOPES = [
    ("rate_limit", {}, 200, "0429"),
    ("http_429", {}, 429, "0429"),
    ("no_credits", {}, 200, "0402"),
    ("no_credits", {"status": 402}, 402, "0402"),
    ("bad_key", {}, 200, "0401"),
    ("bad_key", {"status": 401}, 401, "0401"),
    ("disabled", {}, 200, "0403"),
    ("no_permission", {}, 200, "9009"),
    ("duplicate_request", {}, 200, "0409"),
    ("network_abnormal", {}, 200, "0001"),
    ("refuse", {"code": "1024", "msg": "new"}, 200, "1024"),
    ("http_error", {"status": 400, "body": "envelope", "code": "0001"}, 400, "0001"),
]


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(("kind", "details", "status", "code"), ENVELOPES)
def test_an_envelope_instead_of_the_answer(kind, details, status, code, taken):
    with running() as sim:
        sim.set_fault(kind, accepted=taken, **details)
        answer = send(sim)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["msg"] == details.get("msg", SPECS[FaultKind(kind)].msg)
        assert len(rows(sim)) == taken
        assert send(sim).json()["code"] == "0000"


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("body", ["spring", "html", "empty"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 413])
def test_a_status_without_an_envelope(status, body, taken):
    with running() as sim:
        sim.set_fault("http_error", status=status, body=body, accepted=taken)
        answer = send(sim)
        assert answer.status_code == status
        assert len(rows(sim)) == taken
    if body == "spring":
        assert (answer.json()["status"], answer.json()["path"]) == (status, "/serve/api/v1/upload")
        assert "code" not in answer.json()
    elif body == "html":
        assert answer.text.startswith("<html>")
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert answer.content == b""


@pytest.mark.parametrize(
    ("details", "header"),
    [
        ({}, None),
        ({"retry_after": 30}, "30"),
        ({"retry_after": 30, "retry_after_date": True}, "Wed, 18 Nov 2026 11:07:10 GMT"),
    ],
)
def test_retry_after_comes_in_both_forms(details, header):
    with running() as sim:
        sim.set_fault("http_429", body="empty", **details)
        answer = send(sim)
    assert (answer.content, answer.headers.get("Retry-After")) == (b"", header)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect(status):
    with running() as sim:
        sim.set_fault("redirect", status=status, location="http://127.0.0.1:1/x")
        answer = send(sim)
    assert (answer.status_code, answer.headers["Location"]) == (status, "http://127.0.0.1:1/x")


def test_a_web_page_with_200():
    with running() as sim:
        sim.set_fault("html", accepted=True)
        answer = send(sim)
        assert (answer.status_code, answer.text[:6]) == (200, "<html>")
        assert len(rows(sim)) == 1


def test_success_without_a_video_number():
    with running() as sim:
        sim.set_fault("no_video_no")
        answer = send(sim).json()
        assert answer["code"] == "0000"
        assert "videoNo" not in answer["data"]
        assert "videoName" in answer["data"]
        assert len(rows(sim)) == 1


def test_half_of_the_json_in_a_whole_answer():
    with running() as sim:
        sim.set_fault("truncated_json")
        answer = send(sim)
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert len(rows(sim)) == 1


def test_the_connection_ends_amid_the_answer():
    with running() as sim:
        sim.set_fault("cut_answer", after_bytes=12)
        with pytest.raises(httpx.RemoteProtocolError, match="received 12 bytes"):
            send(sim)
        assert len(rows(sim)) == 1


@pytest.mark.parametrize("taken", [False, True])
def test_the_connection_ends_after_the_whole_body(taken):
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("drop", accepted=taken)
        sock.sendall(form.head() + form.body())
        assert sock.recv(65536) == b""
        assert len(rows(sim)) == taken


def test_the_connection_can_end_with_a_reset():
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("drop", reset=True)
        sock.sendall(form.head() + form.body())
        with pytest.raises(ConnectionResetError):
            sock.recv(65536)


@pytest.mark.parametrize(("after", "read"), [(0, 0), (1, 1), (100, 100), (-1, None), (-5, None)])
def test_the_connection_ends_at_a_byte_of_the_body(after, read):
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("cut_body", after_bytes=after)
        sock.sendall(form.head() + form.body())
        assert read_all(sock) == b""
        assert sim.report()["body_bytes"] == (len(form.body()) + after if read is None else read)
        assert rows(sim) == []


def test_a_body_shorter_than_the_byte_ends_without_a_row():
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("cut_body", after_bytes=10**9)
        sock.sendall(form.head() + form.body())
        assert read_all(sock) == b""
        assert rows(sim) == []


@pytest.mark.parametrize("taken", [False, True])
def test_no_answer_until_the_client_goes(taken):
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("hang", accepted=taken)
        sock.sendall(form.head() + form.body())
        until(lambda: sim.report()["refusals"] == {"hang": 1})
        sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert len(rows(sim)) == taken


def test_a_hanging_client_does_not_keep_the_stand_in_from_stopping():
    form = Form()
    with running() as sim, connect(sim) as sock:
        sim.set_fault("hang")
        sock.sendall(form.head() + form.body())
        until(lambda: sim.report()["refusals"] == {"hang": 1})
        sim.stop()
        assert read_all(sock) == b""


def test_a_slow_answer_waits_for_the_clock_and_the_row_does_not():
    clock, form = Clock(), Form()
    with running(clock) as sim, connect(sim) as sock:
        sim.set_fault("slow", seconds=100)
        sock.sendall(form.head() + form.body())
        until(lambda: sim.report()["videos"])
        sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        clock.forward(100)
        sock.settimeout(10)
        assert b'"0000"' in sock.recv(65536)


def begin_large_upload(sim, sock) -> bytes:
    """Send half of a body; returns the other half."""
    form = Form(content=b"x" * 100_000)
    body = form.body()
    sock.sendall(form.head() + body[:50_000])
    return body[50_000:]


EARLY = [
    ({}, b"HTTP/1.1 413 "),
    ({"status": 429, "code": "0429"}, b"HTTP/1.1 429 "),
    ({"status": 200, "code": "0402"}, b"HTTP/1.1 200 "),
]


@pytest.mark.parametrize(("details", "line"), EARLY)
@pytest.mark.parametrize("then", ["read_on", "stop"])
def test_an_answer_comes_while_the_body_is_still_being_sent(then, details, line):
    with running() as sim, connect(sim) as sock:
        sim.set_fault("early_answer", after_bytes=40_000, then=then, **details)
        begin_large_upload(sim, sock)
        answer = sock.recv(65536)
        assert answer.startswith(line)
        assert (b'"code":"' in answer) == ("code" in details)
        assert rows(sim) == []


def test_after_an_early_answer_the_rest_may_be_read_and_take_effect():
    with running() as sim, connect(sim) as sock:
        sim.set_fault("early_answer", after_bytes=1, then="read_on", accepted=True)
        rest = begin_large_upload(sim, sock)
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert rows(sim) == []
        sock.sendall(rest)
        assert read_all(sock) == b""
        assert rows(sim)[0]["size"] == 100_000


def test_after_an_early_answer_nothing_more_may_be_read():
    with running(receive_buffer=4096) as sim, connect(sim) as sock:
        sim.set_fault("early_answer", after_bytes=1, then="stop")
        sock.sendall(Form().head(length=1 << 40) + Form().body())
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.sendall(b"x" * (64 << 20))
        assert sim.report()["uploads"]["open"] == 1


def test_after_an_early_answer_the_connection_may_end():
    with running() as sim, connect(sim) as sock:
        sim.set_fault("early_answer", after_bytes=0, then="close")
        sock.sendall(Form().head(length=1000))
        assert read_all(sock).startswith(b"HTTP/1.1 413 ")
        assert sock.recv(1) == b""


def test_an_early_answer_comes_instead_of_100_continue():
    with running() as sim, connect(sim) as sock:
        sim.set_fault("early_answer", after_bytes=0)
        sock.sendall(Form().head("Expect: 100-continue"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_stall_stops_reading_and_goes_on():
    clock = Clock()
    form = Form(content=b"x" * (8 << 20))
    with running(clock, receive_buffer=4096) as sim, connect(sim) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sim.set_fault("stall", after_bytes=1000, seconds=60)
        sender = threading.Thread(target=sock.sendall, args=(form.head() + form.body(),))
        sender.start()
        until(lambda: sim.report()["faults"][0]["hits"])
        sender.join(0.1)
        assert sender.is_alive()
        clock.forward(60)
        sender.join(10)
        assert b'"0000"' in sock.recv(65536)
        assert sim.report()["videos"][0]["size"] == 8 << 20


def test_a_late_row_is_missing_in_lists_only():
    clock = Clock()
    with running(clock) as sim:
        sim.set_fault("late_row", seconds=30)
        number = accepted(sim)
        assert rows(sim) == []
        assert metadata(sim, number)["data"]["video_no"] == number
        clock.forward(30)
        assert rows(sim)[0]["video_no"] == number


def test_a_hash_name_where_stems_are_usual():
    with running(names="stem") as sim:
        sim.set_fault("hex_name")
        number = accepted(sim)
        assert rows(sim, video_name="clip") == []
        [row] = rows(sim)
        assert (row["video_no"], len(row["video_name"])) == (number, 32)


def test_a_stuck_video_stays_unparsed_until_it_is_finished():
    clock = Clock()
    with running(clock) as sim:
        sim.set_fault("stuck")
        number = accepted(sim)
        clock.forward(10**7)
        assert metadata(sim, number)["data"]["status"] == "UNPARSE"
        sim.finish(number)
        assert metadata(sim, number)["data"]["status"] == "PARSE"


def test_a_failed_video_is_parsed_when_it_is_uploaded_again():
    with running(parse_seconds=0) as sim:
        sim.set_fault("fail", name="clip*")
        accepted(sim, file_name="other.mp4")
        accepted(sim)
        accepted(sim)
        assert [row["status"] for row in rows(sim)][::-1] == ["PARSE", "FAILED", "PARSE"]


def test_one_upload_can_make_several_rows():
    with running(names="stem") as sim:
        sim.set_fault("duplicate_rows", rows=3)
        number = accepted(sim)
        found = rows(sim, video_name="clip")
        report = sim.report()
    assert len({row["video_no"] for row in found}) == 3
    assert {row["size"] for row in found} == {len(Form().content)}
    assert number in {row["video_no"] for row in found}
    assert report["accepted_more_than_once"] == []
    assert report["uploads"]["accepted"] == 1


@pytest.mark.parametrize("profile", ["docs2026", "recorded2025"])
def test_sizes_are_missing_in_lists_only(profile):
    with running(profile=profile, parse_seconds=0) as sim:
        number = accepted(sim)
        sim.set_fault("no_size")
        assert "size" not in rows(sim)[0]
        assert "size" in rows(sim)[0]
        sim.change(sizes_in_lists=False)
        assert "size" not in rows(sim)[0]
        assert "size" in metadata(sim, number)["data"]


def test_metadata_is_null_for_a_while():
    with running() as sim:
        number = accepted(sim)
        sim.set_fault("null_metadata", times=2)
        seen = [metadata(sim, number)["data"] for _ in range(3)]
    assert seen[:2] == [None, None]
    assert seen[2]["video_no"] == number


@pytest.mark.parametrize(
    ("kind", "success", "limit"), [("numeric_code", 0, 429), ("short_code", "0", "429")]
)
def test_codes_without_their_zeros(kind, success, limit):
    with running(per_minute=1) as sim:
        sim.set_fault(kind, times=None)
        assert [send(sim).json()["code"] for _ in range(2)] == [success, limit]
        assert sim.report()["answers"] == {"0000": 1, "0429": 1}


def test_types_drift_in_both_directions():
    with running() as sim:
        sim.set_fault("type_drift", times=None)
        upload = send(sim).json()
        page = listed(sim)
    assert upload["code"] == "0000"
    assert isinstance(upload["data"]["uploadTime"], int)
    assert page["data"]["total_count"] == "1"
    assert isinstance(page["data"]["videos"][0]["size"], str)
    with running(profile="recorded2025") as sim:
        accepted(sim)
        sim.set_fault("type_drift")
        assert isinstance(listed(sim)["data"]["videos"][0]["create_time"], int)


def test_a_very_large_answer():
    with running() as sim:
        sim.set_fault("large_answer", endpoint="list_videos", size=3_000_000)
        headers = KEY | {"Content-Type": "application/json"}
        answer = post(f"{sim.url}/list_videos", content=b"{}", headers=headers)
    assert len(answer.content) > 3_000_000
    assert answer.json()["data"]["videos"] == []


def test_faults_of_one_group_take_turns_in_the_order_of_setting():
    with running() as sim:
        sim.set_fault("rate_limit", times=2)
        sim.set_fault("network_abnormal", skip=1)
        codes = [send(sim).json()["code"] for _ in range(5)]
    assert codes == ["0429", "0429", "0000", "0001", "0000"]


def test_faults_of_different_groups_hit_the_same_request():
    with running(names="stem", parse_seconds=0) as sim:
        sim.set_fault("hex_name")
        sim.set_fault("fail")
        sim.set_fault("http_error", status=502, body="html", accepted=True)
        assert send(sim).status_code == 502
        [row] = rows(sim)
    assert (len(row["video_name"]), row["status"]) == (32, "FAILED")


def test_a_fault_with_a_name_waits_for_its_file():
    with running() as sim:
        sim.set_fault("network_abnormal", name="b*.mp4", times=None)
        codes = [send(sim, file_name=name).json()["code"] for name in ("a.mp4", "b1.mp4", "c.mp4")]
        assert codes == ["0000", "0001", "0000"]
        sim.clear_faults()
        assert send(sim, file_name="b2.mp4").json()["code"] == "0000"


def test_a_named_fault_can_end_a_body():
    form = Form(file_name="b.mp4", content=b"x" * 1000)
    with running() as sim, connect(sim) as sock:
        sim.set_fault("cut_body", name="b*", after_bytes=500)
        sock.sendall(form.head() + form.body()[:300])
        until(lambda: sim.report()["faults"][0]["hits"])
        sock.sendall(form.body()[300:])
        assert read_all(sock) == b""
        assert sim.report()["body_bytes"] == 500


@pytest.mark.parametrize(
    "endpoint", ["get_metadata", "list_videos", "list_unique_ids", "get_private_video_details"]
)
def test_reads_can_go_wrong_too(endpoint):
    method = "POST" if endpoint == "list_videos" else "GET"
    with running() as sim:
        sim.set_fault("http_error", endpoint=endpoint)
        accepted(sim)
        with httpx.Client(headers=KEY, verify=False) as client:
            query = {"video_no": "VI1"}
            answers = [
                client.request(method, f"{sim.url}/{endpoint}", params=query) for _ in range(2)
            ]
    assert [answer.status_code for answer in answers] == [503, 200]


def test_any_endpoint_means_every_one():
    with running() as sim:
        sim.set_fault("bad_key", endpoint="any", times=None)
        answers = [send(sim).json(), listed(sim), metadata(sim, "VI1")]
        assert [answer["code"] for answer in answers] == ["0401"] * 3
        assert get(f"{sim.origin}/_sim/report").json()["refusals"] == {"0401": 3}


def test_a_refused_upload_keeps_its_refusal_under_a_fault_that_lets_it_through():
    with running() as sim:
        sim.set_fault("http_error", accepted=True)
        assert send(sim, content=b"").json()["code"] == "0001"


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ({"kind": "rain"}, "kind"),
        ({"kind": "drop", "accept": True}, "did you mean 'accepted'"),
        ({"kind": "drop", "endpoint": "uploads"}, "endpoint"),
        ({"kind": "http_error", "status": 100}, "status"),
        ({"kind": "drop", "times": "often"}, "times"),
    ],
)
def test_a_fault_that_does_not_exist_is_told(details, problem):
    with running() as sim, pytest.raises(ValueError, match=problem):
        sim.set_fault(**details)


def test_a_fault_can_be_made_as_a_value():
    with running() as sim:
        sim.set_fault(Fault(kind=FaultKind.RATE_LIMIT))
        assert send(sim).json()["code"] == "0429"


@pytest.mark.parametrize("kind", list(FaultKind))
def test_no_fault_breaks_the_stand_in_itself(kind):
    form = Form()
    with running(parse_seconds=0) as sim:
        sim.set_fault(kind.value, endpoint="any", seconds=0, size=1000, times=None)
        for head in (form.head("Connection: close"), list_head()):
            with connect(sim) as sock:
                sock.sendall(
                    head + (form.body() if head.startswith(b"POST /serve/api/v1/up") else b"")
                )
                sock.shutdown(socket.SHUT_WR)
                read_all(sock)
        assert sim.report()["errors"] == []
        assert BOUNDARY.encode() in form.body()


def list_head() -> bytes:
    return b"POST /serve/api/v1/list_videos HTTP/1.1\r\nHost: s\r\nAuthorization: k\r\n\r\n"
