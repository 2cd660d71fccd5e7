"""The fault switches that spoil an answer, a connection or a body, felt at a real socket."""

from __future__ import annotations

import json
import socket
import threading

import httpx
import pytest

from ingestd.sim import FaultKind
from ingestd.sim.fault_kinds import SPECS
from test_sim_kit import (
    Clock,
    Form,
    connect,
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
