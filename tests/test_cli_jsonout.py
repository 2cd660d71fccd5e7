"""Rows as JSON: the shape that scripts rely on (interface 3)."""

from __future__ import annotations

import base64
import json

from ingestd.cli import jsonout
from ingestd.model import Send, State, Step
from test_cli_kit import AT, a_row

KEYS = (
    *("id", "path", "folder", "state", "reason", "detail", "size", "fingerprint"),
    *("content_hash", "duration_s", "video_no", "upload_name", "scope", "duplicate_of"),
    *("attempts", "sends", "next_attempt_at", "first_seen_at", "queued_at", "uploaded_at"),
    *("parsed_at", "updated_at", "fields", "moved_to", "removed_at"),
)


def test_a_row_has_every_key_in_order_and_unknown_is_null():
    document = jsonout.row(a_row("/srv/none.mp4", fields={"unique_id": "default"}))
    assert tuple(document) == KEYS
    assert document["state"] == "queued"
    assert document["size"] == 1000
    assert document["fields"] == {"unique_id": "default"}
    for unknown in ("reason", "video_no", "uploaded_at", "next_attempt_at", "content_hash"):
        assert document[unknown] is None


def test_times_are_utc_with_a_z():
    assert jsonout.iso(AT) == "2023-11-14T22:13:20.000Z"
    assert jsonout.iso(AT + 0.5) == "2023-11-14T22:13:20.500Z"
    assert jsonout.iso(None) is None


def test_a_path_that_is_no_utf8_survives_json_and_comes_with_its_bytes():
    raw = b"/srv/odd\xff\n.mp4"
    path = raw.decode("utf-8", "surrogateescape")
    document = json.loads(jsonout.dump(jsonout.row(a_row(path))))
    assert document["path"] == path
    assert base64.b64decode(document["path_b64"]) == raw


def test_sends_are_the_bodies_that_went_out():
    send = Send(1, 7, AT, "a~ab.mp4", "unique_id=default", 1000, sent=400, outcome="not_sent")
    assert jsonout.row(a_row(), [send])["sends"] == [
        {"at": "2023-11-14T22:13:20.000Z", "bytes": 400, "outcome": "not_sent"}
    ]


def test_history_names_both_states():
    steps = [
        Step(AT, None, State.QUEUED, "file.queued"),
        Step(AT + 1, State.QUEUED, State.UPLOADING, "upload.started", "first"),
    ]
    assert jsonout.history(steps) == [
        {
            "at": "2023-11-14T22:13:20.000Z",
            "from": None,
            "to": "queued",
            "event": "file.queued",
            "detail": None,
        },
        {
            "at": "2023-11-14T22:13:21.000Z",
            "from": "queued",
            "to": "uploading",
            "event": "upload.started",
            "detail": "first",
        },
    ]
