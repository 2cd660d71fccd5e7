"""What the stand-in tells about its videos."""

from __future__ import annotations

import json

import pytest

from test_sim_kit import (
    KEY,
    START,
    Clock,
    accepted,
    get,
    listed,
    metadata,
    post,
    request,
    rows,
    running,
)

START_MS = int(START * 1000)


def test_metadata_of_a_parsed_video_is_as_documented():
    fields = [
        ("datetime_taken", "2024-10-20 01:00:00"),
        ("camera_model", "Canon EOS 5D"),
        ("latitude", "39.9042"),
        ("longitude", "116.4074"),
        ("tags", "holiday"),
    ]
    with running(names="stem", parse_seconds=0) as sim:
        number = accepted(sim, content=b"12345", fields=fields)
        answer = metadata(sim, number)
    assert answer["code"] == "0000"
    assert answer["data"] == {
        "video_no": number,
        "video_name": "clip",
        "duration": 60,
        "size": 5,
        "status": "PARSE",
        "create_time": START_MS,
        "resolution_label": "720P",
        "fps": 30,
        "width": 1280,
        "height": 720,
        "datetime_taken": 1_729_386_000_000,
        "camera_model": "Canon EOS 5D",
        "latitude": 39.9042,
        "longitude": 116.4074,
        "tags": ["holiday", "api"],
        "bucket": "mavi-resource",
        "blob": f"{number}.mp4",
    }


def test_the_zone_of_datetime_taken_is_a_setting():
    with running(parse_seconds=0, taken_zone_hours=8) as sim:
        number = accepted(sim, fields=[("datetime_taken", "1970-01-01 08:00:01")])
        assert metadata(sim, number)["data"]["datetime_taken"] == 1000


def test_a_recorded_list_has_texts_for_numbers():
    clock = Clock()
    with running(clock, profile="recorded2025", parse_seconds=10, fail_names=("bad*",)) as sim:
        good = accepted(sim, file_name="good.mp4", content=b"12345")
        clock.forward(1)
        bad = accepted(sim, file_name="bad.mp4", content=b"123")
        young = listed(sim)["data"]
        clock.forward(10)
        old = listed(sim)["data"]
    assert list(young) == ["videos", "current_page", "page_size", "total_count"]
    assert (young["current_page"], young["page_size"], young["total_count"]) == (1, 200, "2")
    assert young["videos"][1] == {
        "duration": "0",
        "size": "5",
        "status": "UNPARSE",
        "cause": "null",
        "video_no": good,
        "video_name": "good",
        "create_time": str(START_MS),
    }
    assert old["videos"][0] == {
        "duration": "0",
        "size": "3",
        "status": "FAIL",
        "cause": "Indexing failed. ",
        "video_no": bad,
        "video_name": "bad",
        "create_time": str(START_MS + 1000),
    }
    assert (old["videos"][1]["status"], old["videos"][1]["duration"]) == ("PARSE", "60")


def test_a_documented_list_has_numbers_and_a_cause_only_on_failure():
    with running(parse_seconds=0, fail_names=("bad*",)) as sim:
        accepted(sim, file_name="good.mp4", fields=[("tags", "x")])
        accepted(sim, file_name="bad.mp4", fields=[("tags", "x")])
        data = listed(sim)["data"]
    assert list(data) == ["current_page", "page_size", "total_count", "videos"]
    assert data["total_count"] == 2
    bad, good = data["videos"]
    assert (bad["status"], bad["cause"], bad["duration"]) == ("FAILED", "Indexing failed. ", 0)
    assert "tags" not in bad
    assert (good["status"], good["duration"], good["tags"]) == ("PARSE", 60, ["x", "api"])
    assert "cause" not in good


@pytest.mark.parametrize("profile", ["docs2026", "recorded2025"])
def test_indexing_takes_its_time_on_the_clock(profile):
    clock = Clock()
    with running(clock, profile=profile, parse_seconds=10) as sim:
        number = accepted(sim)
        clock.forward(9.9)
        assert metadata(sim, number)["data"]["status"] == "UNPARSE"
        clock.forward(0.2)
        assert metadata(sim, number)["data"]["status"] == "PARSE"


@pytest.mark.parametrize(
    ("profile", "style", "expected"),
    [
        ("docs2026", "zeros", {"duration": 0, "size": 1, "fps": 0}),
        ("docs2026", "null", {"duration": None, "size": None, "fps": None}),
        ("docs2026", "absent", {}),
        ("recorded2025", "zeros", {"duration": "0", "size": "1", "fps": 0}),
        ("recorded2025", "null", {"duration": None, "size": None, "fps": None}),
        ("recorded2025", "absent", {}),
    ],
)
def test_what_metadata_says_before_parsing_is_a_setting(profile, style, expected):
    with running(profile=profile, unparsed_metadata=style, parse_seconds=9) as sim:
        number = accepted(sim, content=b"x", fields=[("tags", "x")])
        data = metadata(sim, number)["data"]
    assert {k: data[k] for k in ("duration", "size", "fps") if k in data} == expected
    assert "tags" not in data


def test_metadata_of_a_video_that_is_not_here_is_null():
    with running() as sim:
        number = accepted(sim, fields=[("unique_id", "cards")])
        for answer in (metadata(sim, "VI000"), metadata(sim, number)):
            assert (answer["code"], answer["data"], answer["success"]) == ("0000", None, True)
        assert metadata(sim, number, unique_id="cards")["data"]["video_no"] == number


@pytest.mark.parametrize("query", [{}, {"video_no": ""}, {"video_no": "VI1", "unique_id": ""}])
def test_metadata_wants_its_parameters(query):
    with running() as sim:
        answer = get(f"{sim.url}/get_metadata", params=query, headers=KEY).json()
    assert (answer["code"], answer["failed"]) == ("0001", True)


def test_the_older_twin_answers_the_same():
    with running(profile="recorded2025", parse_seconds=0) as sim:
        query = {"video_no": accepted(sim)}
        twin = get(f"{sim.url}/get_private_video_details", params=query, headers=KEY).json()
        assert twin == metadata(sim, query["video_no"])
        assert "video_url" in twin["data"]


def library(sim) -> dict[str, str]:
    """Four videos: one being indexed, one failed, and two parsed at different places."""
    paris = [("latitude", "48.85"), ("longitude", "2.35"), ("camera_model", "X"), ("tags", "fr")]
    oslo = [("latitude", "59.91"), ("longitude", "10.75"), ("tags", "no")]
    taken = [("datetime_taken", "2026-01-01 00:00:00")]
    numbers = {
        "paris": accepted(sim, file_name="paris.mp4", fields=paris + taken),
        "oslo": accepted(sim, file_name="oslo.mp4", fields=oslo),
        "bad": accepted(sim, file_name="bad.mp4", fields=paris),
    }
    sim.change(parse_seconds=1000)
    numbers["young"] = accepted(sim, file_name="young.mp4", fields=paris + taken)
    return numbers


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"paris", "oslo", "bad", "young"}),
        ({"video_name": "paris"}, {"paris"}),
        ({"video_name": "paris.mp4"}, set()),
        ({"video_name": "par"}, set()),
        ({"video_name": "PARIS"}, set()),
        ({"video_no": "paris"}, {"paris"}),
        ({"video_nos": ["paris", "young"]}, {"paris", "young"}),
        ({"video_nos": ["paris", "young"], "video_name": "young"}, {"young"}),
        ({"video_nos": []}, set()),
        ({"status": "PARSE"}, {"paris", "oslo"}),
        ({"status": "UNPARSE"}, {"young"}),
        ({"status": "FAILED"}, {"bad"}),
        ({"tag": "fr"}, {"paris"}),
        ({"tag": "api"}, {"paris", "oslo"}),
        ({"camera_model": "X"}, {"paris"}),
        ({"datetime_taken": 1_767_225_600_000}, {"paris"}),
        ({"datetime_taken": 1_767_225_600_001}, set()),
        ({"latitude": 48.9, "longitude": 2.4}, {"paris"}),
        ({"latitude": 49.2, "longitude": 2.4}, set()),
        ({"unique_id": "default"}, {"paris", "oslo", "bad", "young"}),
        ({"unique_id": "elsewhere"}, set()),
    ],
)
def test_lists_are_filtered_as_documented(query, found):
    with running(names="stem", parse_seconds=0, fail_names=("bad*",)) as sim:
        numbers = library(sim)
        if "video_no" in query:
            query = {"video_no": numbers[query["video_no"]]}
        if "video_nos" in query:
            query = query | {"video_nos": [numbers[name] for name in query["video_nos"]]}
        answer = listed(sim, **query)["data"]
    assert {row["video_name"] for row in answer["videos"]} == found
    assert answer["total_count"] == len(found)


def test_pages_run_from_the_newest_to_the_oldest():
    clock = Clock()
    with running(clock) as sim:
        numbers = []
        for _ in range(5):
            numbers.append(accepted(sim))
            clock.forward(1)
        pages = [rows(sim, page=page, size=2) for page in (1, 2, 3, 4)]
        assert listed(sim, page=2, size=2)["data"]["total_count"] == 5
    seen = [[row["video_no"] for row in page] for page in pages]
    assert seen == [numbers[:2:-1], numbers[2:0:-1], numbers[:1], []]


@pytest.mark.parametrize(
    ("rule", "code", "shown"),
    [("clamp", "0000", 200), ("allow", "0000", 201), ("refuse", "0001", 0)],
)
def test_a_page_size_above_200_is_a_setting(rule, code, shown):
    with running(page_size_over=rule) as sim:
        for age in range(201):
            sim.add_video(f"{age}.mp4", age_s=age)
        answer = listed(sim, size=500)
    assert answer["code"] == code
    assert len((answer["data"] or {"videos": []})["videos"]) == shown


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"page": 0}',
        b'{"size": -1}',
        b'{"page": true}',
        b'{"page": 1.5}',
        b'{"unique_id": ""}',
        b'{"video_nos": "VI1"}',
        b'{"latitude": 1}',
        b'{"datetime_taken": "yesterday"}',
    ],
)
def test_a_list_call_that_cannot_be_read_is_refused(body):
    headers = KEY | {"Content-Type": "application/json"}
    with running() as sim:
        answer = post(f"{sim.url}/list_videos", content=body, headers=headers)
    assert answer.json()["code"] == "0001"


def test_a_list_call_wants_to_be_announced_as_json():
    with running() as sim:
        form = post(f"{sim.url}/list_videos", data={"page": "1"}, headers=KEY).json()
        empty = post(f"{sim.url}/list_videos", headers=KEY).json()
    assert form["code"] == "0001"
    assert empty["data"]["page_size"] == 200


def test_listing_an_unknown_namespace_creates_it():
    with running() as sim:
        assert rows(sim, unique_id="new") == []
        answer = get(f"{sim.url}/list_unique_ids", headers=KEY).json()
    assert answer["data"] == {"unique_ids": ["default", "new"]}


@pytest.mark.parametrize(
    ("scopes", "query", "found"),
    [
        ("both", {"folder_id": 5}, ["in folder"]),
        ("both", {"folder_id": -1, "unique_id": "cards"}, ["in cards"]),
        ("both", {}, ["in folder"]),
        ("unique_id", {"folder_id": 5}, ["in folder"]),
        ("unique_id", {"unique_id": "cards"}, ["in cards"]),
        ("folder_id", {}, ["in cards", "in folder"]),
        ("folder_id", {"unique_id": "cards"}, ["in cards", "in folder"]),
        ("folder_id", {"folder_id": -1}, ["in cards"]),
    ],
)
def test_both_generations_of_scopes_can_be_had(scopes, query, found):
    with running(scopes=scopes, names="stem") as sim:
        accepted(sim, file_name="in folder.mp4", fields=[("folder_id", "5")])
        accepted(sim, file_name="in cards.mp4", fields=[("unique_id", "cards")])
        assert [row["video_name"] for row in rows(sim, **query)] == found


def delete(sim, numbers, **query) -> dict:
    url = f"{sim.url}/delete_videos"
    return post(url, json=numbers, params=query, headers=KEY).json()


@pytest.mark.parametrize(("profile", "data"), [("docs2026", {}), ("recorded2025", None)])
def test_deleting_is_final_and_forgiving(profile, data):
    with running(profile=profile) as sim:
        number = accepted(sim)
        assert delete(sim, [number, "VI000"])["data"] == data
        assert rows(sim) == []
        assert metadata(sim, number)["data"] is None
        assert delete(sim, [number])["code"] == "0000"
        assert sim.report()["videos"][0]["deleted_at"] == START


def test_another_namespace_is_not_deleted():
    with running() as sim:
        number = accepted(sim, fields=[("unique_id", "cards")])
        assert delete(sim, [number])["code"] == "0000"
        assert len(rows(sim, unique_id="cards")) == 1
        delete(sim, [number], unique_id="cards")
        assert rows(sim, unique_id="cards") == []


def test_deleting_twice_can_be_refused():
    with running(double_delete="0409") as sim:
        number = accepted(sim)
        assert [delete(sim, [number])["code"] for _ in range(2)] == ["0000", "0409"]


@pytest.mark.parametrize("numbers", [{"video_nos": ["VI1"]}, ["VI1"] * 101, [1]])
def test_a_deletion_that_cannot_be_read_is_refused(numbers):
    with running() as sim:
        assert delete(sim, numbers)["code"] == "0001"


@pytest.mark.parametrize(
    ("method", "path", "msg"),
    [
        ("POST", "/upload_file", "No static resource api/v1/upload_file."),
        ("GET", "/../../../serve/api", "No static resource api."),
        ("GET", "/upload", "Request method 'GET' is not supported"),
        ("POST", "/get_metadata", "Request method 'POST' is not supported"),
        ("PUT", "/list_videos", "Request method 'PUT' is not supported"),
    ],
)
def test_a_wrong_path_or_method_is_told_in_an_envelope(method, path, msg):
    with running() as sim:
        answer = request(method, sim.url + path)
        assert answer.status_code == 200
        assert answer.json() == {
            "code": "0001",
            "msg": msg,
            "data": None,
            "success": False,
            "failed": True,
        }


def test_outside_of_the_application_its_front_answers():
    with running() as sim:
        answer = get(f"{sim.origin}/elsewhere")
    assert answer.status_code == 404
    body = json.loads(answer.content)
    assert set(body) == {"timestamp", "path", "status", "error", "requestId"}
    assert (body["path"], body["status"], body["error"]) == ("/elsewhere", 404, "Not Found")


def test_answers_carry_the_time_of_the_clock():
    with running() as sim:
        assert get(sim.origin).headers["Date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
