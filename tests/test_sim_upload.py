"""What the stand-in makes of uploads."""

from __future__ import annotations

import hashlib
import re
import socket
import tracemalloc

import av
import httpx
import pytest
from blake3 import blake3

from test_sim_kit import (
    BOUNDARY,
    KEY,
    START,
    Clock,
    Form,
    accepted,
    connect,
    metadata,
    post,
    read_all,
    rows,
    running,
    send,
    until,
)

START_MS = int(START * 1000)


def test_the_2026_answer_has_four_texts_and_a_hash_name():
    with running() as sim:
        answer = send(sim).json()
    data = answer.pop("data")
    assert answer == {"code": "0000", "msg": "success", "success": True, "failed": False}
    assert list(data) == ["videoNo", "videoName", "videoStatus", "uploadTime"]
    assert re.fullmatch(r"VI[0-9]{18}", data["videoNo"])
    assert re.fullmatch(r"[0-9a-f]{32}", data["videoName"])
    assert data["videoStatus"] == "UNPARSE"
    assert data["uploadTime"] == str(START_MS)


def test_the_recorded_answer_has_only_number_and_stem():
    with running(profile="recorded2025") as sim:
        data = send(sim, file_name="paris-YT.mp4").json()["data"]
    assert list(data) == ["videoNo", "videoName"]
    assert data["videoName"] == "paris-YT"


def test_the_number_tells_a_time_shortly_before_create_time():
    with running() as sim:
        number = int(accepted(sim).removeprefix("VI"))
    allocated_ms = (number >> 22) + 1_609_459_200_000
    assert 46 <= START_MS - allocated_ms <= 63


def test_the_same_seed_gives_the_same_numbers():
    seen = []
    for _ in range(2):
        with running(seed=7) as sim:
            seen.append([accepted(sim), accepted(sim)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 2


@pytest.mark.parametrize(
    ("file_name", "settings", "stored"),
    [
        ("clip.mp4", {}, "clip"),
        ("CLIP.MP4", {}, "CLIP"),
        ("a.b.c.mov", {}, "a.b.c"),
        ("a.b.c.mov", {"stem_cut": "first_dot"}, "a"),
        ("My%20Video.mp4", {}, "My%20Video"),
        ("足球.mkv", {}, "足球"),
        (r"quo\"te.mp4", {}, 'quo"te'),
        ("semi;colon.avi", {}, "semi;colon"),
        ("abcdefgh.mp4", {"name_max": 3}, "abc"),
        (".mp4", {}, ".mp4"),
    ],
)
def test_the_stored_name_is_the_file_name_without_its_extension(file_name, settings, stored):
    with running(names="stem", **settings) as sim:
        assert send(sim, file_name=file_name).json()["data"]["videoName"] == stored


def test_the_report_tells_what_arrived():
    form = Form(
        content=b"abc" * 1000,
        file_name="A 1.MP4",
        fields=[("tags", "x"), ("unique_id", "cards"), ("tags", "y"), ("title", "ignored")],
    )
    with running() as sim:
        number = accepted(sim, form)
        [video] = sim.report()["videos"]
    assert video["video_no"] == number
    assert video["file_name"] == "A 1.MP4"
    assert video["size"] == 3000
    assert video["content_hash"] == blake3(form.content).hexdigest()
    assert video["fields"] == [list(pair) for pair in form.fields]
    assert video["unique_id"] == "cards"
    assert video["tags"] == ["x", "y", "api"]
    assert video["accepted_at"] == START


@pytest.mark.parametrize(
    ("settings", "digest"),
    [
        ({"hash_name": "sha256"}, hashlib.sha256(b"content").hexdigest()),
        ({"hash_content": False}, None),
    ],
)
def test_the_content_hash_can_be_chosen(settings, digest):
    with running(**settings) as sim:
        accepted(sim, content=b"content")
        assert sim.report()["videos"][0]["content_hash"] == digest


def test_the_same_content_is_taken_again_and_the_report_says_so():
    with running() as sim:
        first = accepted(sim, file_name="a.mp4")
        second = accepted(sim, file_name="b.mp4")
        accepted(sim, content=b"other")
        report = sim.report()
    [twice] = report["accepted_more_than_once"]
    assert twice["video_nos"] == [first, second]
    assert twice["file_names"] == ["a.mp4", "b.mp4"]
    assert [video["copies"] for video in report["videos"]] == [2, 2, 1]


REFUSED = {
    "extension": Form(file_name="clip.m4v"),
    "no extension": Form(file_name="clip"),
    "part type": Form(content_type="application/octet-stream"),
    "no part type": Form(content_type=None),
    "empty file": Form(content=b""),
    "no file name": Form(file_name=None),
    "too large": Form(content=b"x" * 101),
    "empty unique_id": Form(fields=[("unique_id", "")]),
    "callback": Form(fields=[("callback", "http://h/" + "x" * 291)]),
    "date form": Form(fields=[("datetime_taken", "2026-11-22T08:00:00")]),
    "date with zone": Form(fields=[("datetime_taken", "2026-11-22 08:00:00Z")]),
    "date": Form(fields=[("datetime_taken", "2026-02-30 08:00:00")]),
    "camera_model": Form(fields=[("camera_model", "x" * 201)]),
    "tags": Form(fields=[("tags", str(n)) for n in range(21)]),
    "tags in one text": Form(fields=[("tags", ",".join("abcdefghijklmnopqrstu"))]),
    "folder_id text": Form(fields=[("folder_id", "cards")]),
    "folder_id zero": Form(fields=[("folder_id", "0")]),
    "folder_id of others": Form(fields=[("folder_id", "9")]),
    "latitude": Form(fields=[("latitude", "48,1")]),
    "latitude empty": Form(fields=[("latitude", "")]),
    "latitude range": Form(fields=[("latitude", "91")]),
    "longitude range": Form(fields=[("longitude", "-181.0")]),
    "boolean": Form(fields=[("retain_original_video", "maybe")]),
    "no closing boundary": Form(ending=""),
    "broken header": Form(content_type="video/mp4\r\nbad header: x"),
}


@pytest.mark.parametrize("form", REFUSED.values(), ids=REFUSED.keys())
def test_a_broken_constraint_refuses_the_upload(form):
    with running(max_bytes=100, folders=(4, 5)) as sim:
        answer = send(sim, form)
        report = sim.report()
    assert answer.status_code == 200
    body = answer.json()
    assert (body["code"], body["data"]) == ("0001", None)
    assert (body["success"], body["failed"]) == (False, True)
    assert report["videos"] == []
    assert report["refusals"] == {"0001": 1}


TAKEN = {
    "upper case": Form(file_name="CLIP.MOV"),
    "exact size": Form(content=b"x" * 100),
    "callback": Form(fields=[("callback", "http://h/" + "x" * 290)]),
    "camera_model": Form(fields=[("camera_model", "x" * 200)]),
    "tags": Form(fields=[("tags", str(n)) for n in range(20)]),
    "default folder": Form(fields=[("folder_id", "-1")]),
    "own folder": Form(fields=[("folder_id", "5")]),
    "place": Form(fields=[("latitude", "-48.137"), ("longitude", "11")]),
    "boolean in Python": Form(fields=[("retain_original_video", "True")]),
    "boolean in JavaScript": Form(fields=[("retain_original_video", "false")]),
    "no CRLF at the end": Form(ending=f"\r\n--{BOUNDARY}--"),
    "text after the end": Form(ending=f"\r\n--{BOUNDARY}--\r\nepilogue"),
}


@pytest.mark.parametrize("form", TAKEN.values(), ids=TAKEN.keys())
def test_what_just_keeps_the_constraints_is_taken(form):
    with running(max_bytes=100, folders=(4, 5)) as sim:
        assert send(sim, form).json()["code"] == "0000"


def test_an_upload_that_is_no_multipart_form_is_refused():
    with running() as sim:
        answer = post(f"{sim.url}/upload", json={"file": "x"}, headers=KEY)
        assert answer.json()["code"] == "0001"
        assert sim.report()["videos"] == []


@pytest.mark.parametrize(
    ("fields", "settings", "tags"),
    [
        ([("tags", "a"), ("tags", "b")], {}, ["a", "b", "api"]),
        ([("tags[1]", "b"), ("tags[0]", "a")], {}, ["a", "b", "api"]),
        ([("tags", "a, b")], {}, ["a", "b", "api"]),
        ([("tags", "a, b")], {"split_tags": False}, ["a, b", "api"]),
        ([], {}, ["api"]),
    ],
)
def test_tags_come_repeated_indexed_or_in_one_text(fields, settings, tags):
    with running(parse_seconds=0, **settings) as sim:
        number = accepted(sim, fields=fields)
        assert metadata(sim, number)["data"]["tags"] == tags


def test_the_added_tag_can_count_towards_the_twenty():
    with running(api_tag_counts=True) as sim:
        assert send(sim, fields=[("tags", str(n)) for n in range(20)]).json()["code"] == "0001"


def test_a_client_library_and_chunks_are_understood():
    def pieces():
        yield Form().body()[:50]
        yield Form().body()[50:]

    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    with running(names="stem") as sim, httpx.Client(headers=KEY) as client:
        files = {"file": ("ü.mp4", b"12345", "video/mp4")}
        tagged = client.post(f"{sim.url}/upload", files=files, data={"tags": ["a", "b"]})
        chunked = client.post(f"{sim.url}/upload", content=pieces(), headers=kind)
        again = client.post(f"{sim.url}/list_videos", json={})
    assert tagged.json()["data"]["videoName"] == "ü"
    assert chunked.json()["data"]["videoName"] == "clip"
    assert again.json()["data"]["total_count"] == 2


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_content_that_looks_like_a_boundary_arrives_unharmed(piece):
    edge = f"\r\n--{BOUNDARY}".encode()
    content = edge[:-1] + b"\r\n\r\n--" + edge[:5] + b"\r" + edge[:-3] + b"\n"
    form = Form(content=content)
    with running() as sim, connect(sim) as sock:
        sock.sendall(form.head("Connection: close"))
        body = form.body()
        for at in range(0, len(body), piece):
            sock.sendall(body[at : at + piece])
        assert b'"0000"' in read_all(sock)
        assert sim.report()["videos"][0]["content_hash"] == blake3(content).hexdigest()


def test_a_large_file_costs_no_memory():
    block = b"\x55" * (1 << 20)
    blocks = 64
    form = Form(content=b"")
    opening, closing = form.body()[: -len(form.ending)], form.ending.encode()
    length = len(opening) + blocks * len(block) + len(closing)
    with running() as sim, connect(sim) as sock:
        tracemalloc.start()
        sock.sendall(form.head("Connection: close", length=length) + opening)
        for _ in range(blocks):
            sock.sendall(block)
        sock.sendall(closing)
        assert b'"0000"' in read_all(sock)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sim.report()["videos"][0]["size"] == blocks * len(block)
    assert peak < 8 * len(block)


@pytest.mark.parametrize(
    ("ending", "made"),
    [("", 0), (f"\r\n--{BOUNDARY}", 0), (f"\r\n--{BOUNDARY}-", 0), (f"\r\n--{BOUNDARY}--", 1)],
)
def test_a_row_exists_once_the_closing_boundary_has_arrived(ending, made):
    form = Form(ending=ending)
    with running() as sim, connect(sim) as sock:
        sock.sendall(form.head(length=len(form.body()) + 2) + form.body())
        sock.shutdown(socket.SHUT_WR)
        answer = read_all(sock)
        report = sim.report()
    assert len(report["videos"]) == made
    assert report["uploads"]["aborted"] == 1 - made
    assert (b'"0000"' in answer) == bool(made)


@pytest.mark.parametrize("kept", [True, False])
def test_whether_a_client_that_has_gone_gets_its_row_is_a_switch(kept):
    form = Form()
    with running(accept_after_disconnect=kept) as sim:
        sock = connect(sim)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # the end travels with the bytes
        sock.sendall(form.head() + form.body())
        sock.shutdown(socket.SHUT_WR)
        sock.close()
        until(lambda: sim.report()["uploads"]["open"] == 0 and sim.report()["body_bytes"])
        sim.stop()
        assert len(sim.report()["videos"]) == kept


@pytest.mark.parametrize("answers", [True, False])
def test_expect_100_continue_is_answered_unless_told_otherwise(answers):
    form = Form()
    with running(continue_100=answers) as sim, connect(sim) as sock:
        sock.sendall(form.head("Expect: 100-continue", "Connection: close"))
        if answers:
            assert sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        sock.sendall(form.body())
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_takes_too_long_is_cut_off():
    clock, form = Clock(), Form()
    with running(clock, upload_time_limit=60) as sim, connect(sim) as sock:
        sock.sendall(form.head() + form.body()[:10])
        until(lambda: sim.report()["uploads"]["open"] == 1)
        clock.forward(61)
        sock.sendall(form.body()[10:20])
        assert read_all(sock) == b""
        assert sim.report()["videos"] == []


def test_concurrent_uploads_are_counted():
    form = Form()
    with running() as sim, connect(sim) as one, connect(sim) as other:
        for sock in (one, other):
            sock.sendall(form.head() + form.body()[:20])
        until(lambda: sim.report()["uploads"]["open"] == 2)
        for sock in (one, other):
            sock.sendall(form.body()[20:])
            assert b'"0000"' in sock.recv(65536)
        uploads = sim.report()["uploads"]
    assert uploads == {"accepted": 2, "aborted": 0, "open": 0, "open_max": 2}


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
def test_the_duration_of_an_mp4_is_known_and_paid(tmp_path, options):
    content = small_mp4(tmp_path / "clip.mp4", seconds=3, options=options)
    with running(parse_seconds=0, credits_minutes=1.0) as sim:
        number = accepted(sim, content=content)
        assert metadata(sim, number)["data"]["duration"] == 3
        assert sim.report()["credits_minutes"] == pytest.approx(0.95)


def test_an_unknown_duration_is_paid_as_one_minute():
    with running(parse_seconds=0, credits_minutes=1.5) as sim:
        accepted(sim, content=b"\x1aE\xdf\xa3 no boxes here")
        assert send(sim).json()["code"] == "0402"
        assert rows(sim)[0]["duration"] == 60


def small_mp4(path, seconds, options) -> bytes:
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5 * seconds):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return path.read_bytes()
