"""The fault switches in rows and reads, and how the switches are set and combined."""

from __future__ import annotations

import socket

import httpx
import pytest

from ingestd.sim import Fault, FaultKind
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
