"""The status screen: the drawn example of interface 3, and what it says when things are other."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingestd.cli import jsonout
from ingestd.cli.snapshot import read_snapshot
from ingestd.cli.spans import plain
from ingestd.cli.status_report import make_report
from ingestd.cli.status_screen import render
from ingestd.cli.status_values import Facts, Place
from ingestd.config import Budget
from ingestd.journal import Tally, Usage
from ingestd.model import Gate, GateName, Reason, State

DRAWN = """\
ingestd 0.3.0   running since Sat 21:04 (pid 812)   /etc/ingestd/config.yaml   journal /var/lib/ingestd
UPLOADING   2 things need you: folder nas is missing, archive waits for approval

FOLDER   WATCHED       LOOKED     SEARCHABLE  INDEXING  IN LINE    HELD  PROBLEMS  IGNORED
cameras  events ext4   2 s ago           212        31      207       0         9  1 204 (.xml 900, .wav 263, junk 41)
nas      poll cifs     22:50           1 940         0        0       0         0  0
  ! MISSING since 22:50: //nas/video is not mounted on /mnt/nas. Nothing is lost; goes on by itself when it is back.
archive  events btrfs  1 min ago           0         0        0  40 213         0  88
  ! HELD at first look: 3.1 TB, about 915 USD.   ingestd plan /srv/archive, then: ingestd approve | skip --folder archive

NOW       A003C011.MP4  1.9 of 2.6 GB  73 %  21 MB/s  33 s left   |   A003C012.MP4  sent, waiting for the answer for 12 s
NEXT      207 clips, 402 GB, 611 min, about 9.20 USD; 1 upload a minute: the last one goes out about Mon 03:10
PROBLEMS  6 too_large, 2 codec (prores), 1 indexing_failed (billed)        ingestd list --state rejected,failed
TODAY     118 uploads, 301 min, about 4.50 USD     November 2 310 of 10 000 min
"""  # noqa: E501 - as drawn


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-11-22T23:43:00")

SNAPSHOT = {
    "version": "0.3.0",
    "pid": 812,
    "since": at("2026-11-21T21:04:10"),
    "config": "/etc/ingestd/config.yaml",
    "settling": 0,
    "api": {
        "base_url": "https://api.memories.ai/serve/api/v1",
        "key_id": "...abcd",
        "key_source": "credential",
        "last_ok_at": NOW - 5,
    },
    "folders": [
        {
            "name": "cameras",
            "path": "/srv/drop/cameras",
            "mode": "events",
            "filesystem": "ext4",
            "state": "ok",
            "last_scan_at": NOW - 2,
            "settling": 0,
            "ignored_by": {"junk": 41, ".wav": 263, ".xml": 900},
            "detail": "",
            "since": NOW - 9000,
        },
        {
            "name": "nas",
            "path": "/mnt/nas",
            "mode": "poll",
            "filesystem": "cifs",
            "state": "missing",
            "last_scan_at": at("2026-11-22T22:50:00"),
            "settling": 0,
            "ignored_by": {},
            "detail": "//nas/video is not mounted on /mnt/nas. Nothing is lost; goes on by itself "
            "when it is back.",
            "since": at("2026-11-22T22:50:00"),
        },
        {
            "name": "archive",
            "path": "/srv/archive",
            "mode": "events",
            "filesystem": "btrfs",
            "state": "ok",
            "last_scan_at": NOW - 80,
            "settling": 0,
            "ignored_by": {"junk": 88},
            "detail": None,
            "since": NOW - 9000,
        },
    ],
    "uploads": [
        {
            "id": 7,
            "path": "/srv/drop/cameras/A003C011.MP4",
            "sent": 1_910_000_000,
            "size": 2_603_000_000,
            "bytes_per_second": 21_000_000.0,
            "phase": "sending",
            "since": NOW - 90,
        },
        {
            "id": 8,
            "path": "/srv/drop/cameras/A003C012.MP4",
            "sent": 5,
            "size": 5,
            "bytes_per_second": None,
            "phase": "awaiting_answer",
            "since": NOW - 12,
        },
    ],
    "queue": {"eta": at("2026-11-23T03:10:00"), "waiting_for": None},
}

TALLIES = (
    Tally("cameras", State.PARSED, None, 212, 10**9, 9000.0),
    Tally("cameras", State.INDEXING, None, 31, 10**9, 900.0),
    Tally("cameras", State.QUEUED, None, 207, 402_000_000_000, 611 * 60.0),
    Tally("cameras", State.UPLOADING, None, 2, 3_000_000_000, 300.0),
    Tally("cameras", State.REJECTED, Reason.CODEC, 2, 10**9, 0.0),
    Tally("cameras", State.REJECTED, Reason.TOO_LARGE, 6, 10**11, 0.0),
    Tally("cameras", State.FAILED, Reason.INDEXING_FAILED, 1, 10**9, 60.0),
    Tally("nas", State.PARSED, None, 1940, 10**12, 99_000.0),
    Tally("archive", State.HELD, Reason.FIRST_LOOK, 40_213, 3_100_000_000_000, 61_000 * 60.0),
)

FACTS = Facts(
    version="0.3.0",
    now=NOW,
    config="/etc/ingestd/config.yaml",
    state_dir="/var/lib/ingestd",
    base_url="https://api.memories.ai/serve/api/v1",
    per_minute=1.0,
    budget=Budget(minutes_per_month=10_000.0),
    places=(
        Place("cameras", "/srv/drop/cameras", "events", "ext4"),
        Place("nas", "/mnt/nas", "poll", "cifs"),
        Place("archive", "/srv/archive", "events", "btrfs"),
    ),
    running=True,
    pid=812,
    since=at("2026-11-21T21:04:10"),
    live=read_snapshot(SNAPSHOT),
    tallies=TALLIES,
    gates=(),
    usage=(
        Usage("2026-11-03", 700, 2009 * 60.0, 10**11),
        Usage("2026-11-22", 118, 301 * 60.0, 10**10),
    ),
    refused_codecs=("prores",),
)


def screen(**changes) -> list[str]:
    return plain(render(make_report(replace(FACTS, **changes)))).splitlines()


def test_the_screen_is_the_drawn_one():
    assert plain(render(make_report(FACTS))) == DRAWN


def test_a_closed_gate_says_since_when_what_to_do_and_when_it_tries_by_itself():
    gate = Gate(
        GateName.CREDITS,
        since=at("2026-11-22T23:12:00"),
        until=at("2026-11-23T00:12:00"),
        detail="Credits used up.",
    )
    lines = screen(gates=(gate,))
    assert lines[1] == (
        "WAITING     Credits used up since 23:12. Buy credits at memories.ai, then: ingestd resume"
        "   (tries by itself at 00:12)"
    )
    assert lines[2].strip().startswith("2 things need you: folder nas is missing")


@pytest.mark.parametrize("name", list(GateName))
def test_every_gate_is_said_in_words(name):
    line = screen(gates=(Gate(name, NOW - 60, None, "The daemon's own sentence."),))[1]
    assert line.startswith("WAITING     ")
    said, _, remedy = line.partition(" since 23:42. ")
    assert "_" not in said
    assert remedy.endswith((".", "ingestd resume"))


def test_without_a_daemon_the_journal_is_shown_and_nothing_moves():
    lines = screen(running=False, live=None, pid=None, since=None)
    assert lines[0] == (
        "ingestd 0.3.0   not running   /etc/ingestd/config.yaml   journal /var/lib/ingestd"
    )
    assert lines[1].startswith("STOPPED     ")
    assert not any(line.startswith("NOW") for line in lines)
    assert any(line.startswith("cameras  events ext4   -") for line in lines)
    assert any(line.startswith("NEXT      207 clips, 402 GB, 611 min") for line in lines)


def test_a_gate_is_shown_of_a_stopped_daemon_too_and_nothing_tries_by_itself():
    gate = Gate(GateName.CREDITS, since=NOW - 60, until=NOW + 840, detail="Credits used up.")
    lines = screen(running=False, live=None, pid=None, since=None, gates=(gate,))
    assert lines[1].startswith("STOPPED")
    assert lines[2].strip().startswith("Credits used up since ")
    assert "by itself" not in lines[2]


def test_a_daemon_that_does_not_answer_in_time_is_not_called_stopped():
    lines = screen(live=None)
    assert "running since Sat 21:04 (pid 812)" in lines[0]
    assert lines[1].startswith("BUSY        ")


def test_a_quiet_day_says_that_nothing_needs_anyone():
    tallies = (Tally("cameras", State.PARSED, None, 3, 10, 60.0),)
    live = read_snapshot({**SNAPSHOT, "uploads": [], "folders": SNAPSHOT["folders"][:1]})
    lines = screen(tallies=tallies, live=live, places=FACTS.places[:1], usage=())
    assert lines[1] == "IDLE        Nothing needs you."
    assert lines[-1] == "TODAY     0 uploads     November 0 of 10 000 min"
    assert not [line for line in lines if line.startswith(("NOW", "NEXT", "PROBLEMS"))]


def test_lost_answers_show_as_being_asked_for_and_held_ones_as_your_decision():
    tallies = (
        Tally("cameras", State.CONFIRMING, None, 2, 10, 60.0),
        Tally("cameras", State.HELD, Reason.UNCONFIRMED, 1, 10, 60.0),
    )
    live = read_snapshot({**SNAPSHOT, "uploads": [], "folders": SNAPSHOT["folders"][:1]})
    lines = screen(tallies=tallies, live=live, places=FACTS.places[:1])
    assert lines[1] == "CHECKING    1 thing needs you: 1 upload of cameras got no answer"
    assert "HELD: 1 upload whose answer was lost, perhaps paid for." in lines[5]
    assert any(line.startswith("CHECKING  2 uploads whose answer was lost") for line in lines)


def test_rows_of_a_folder_that_left_the_configuration_stay_visible():
    tallies = (*TALLIES, Tally("old", State.QUEUED, None, 4, 10, 60.0))
    lines = screen(tallies=tallies)
    row = next(i for i, line in enumerate(lines) if line.startswith("(old)"))
    assert "no longer in the configuration" in lines[row + 1]


def test_files_added_by_hand_and_known_but_unsent_ones_have_their_place():
    tallies = (
        *TALLIES,
        Tally(None, State.PARSED, None, 5, 10, 60.0),
        Tally("cameras", State.DUPLICATE, None, 3, 10, 60.0),
        Tally("cameras", State.GONE, Reason.VANISHED, 1, 10, 60.0),
    )
    lines = screen(tallies=tallies)
    assert any(line.startswith("(by hand)") for line in lines)
    assert "BESIDES   3 duplicate, 1 gone" in lines


def test_a_card_with_files_that_no_row_knows_is_not_safe_to_erase():
    under = "/srv/drop/cameras/card7"
    tallies = (Tally("cameras", State.PARSED, None, 3, 10, 60.0),)
    lines = screen(under=under, unseen=2, tallies=tallies, places=FACTS.places[:1])
    assert lines[0].endswith(f"   only {under}")
    assert "UNSEEN    2 files there without a row yet: not safe to erase" in lines
    row = next(line for line in lines if line.startswith("cameras"))
    assert row.split()[-1] == "-"  # what is ignored is counted for whole folders only
    assert not any(line.startswith(("NOW", "nas")) for line in lines)


def test_a_file_name_cannot_write_to_the_terminal():
    upload = {**SNAPSHOT["uploads"][0], "path": "/srv/a\x1b[2J\n\udcff.mp4"}
    live = read_snapshot({**SNAPSHOT, "uploads": [upload]})
    lines = screen(live=live)
    assert any(r"NOW       a\x1b[2J\x0a\xff.mp4  1.9 of 2.6 GB" in line for line in lines)


def test_many_kinds_of_ignored_names_are_summed_up():
    folder = {
        **SNAPSHOT["folders"][0],
        "ignored_by": {".a": 1, ".b": 5, ".c": 4, ".d": 3, "junk": 2},
    }
    live = read_snapshot({**SNAPSHOT, "folders": [folder]})
    lines = screen(live=live, places=FACTS.places[:1], tallies=())
    assert lines[4].endswith("  15 (.b 5, .c 4, .d 3, other 3)")


def test_one_upload_a_line_with_its_bar_on_a_terminal():
    lines = plain(render(make_report(FACTS), bars=True)).splitlines()
    now = next(i for i, line in enumerate(lines) if line.startswith("NOW"))
    assert lines[now].startswith("NOW       ███████████████░░░░░  A003C011.MP4")
    assert lines[now + 1].startswith("          ████████████████████  A003C012.MP4")


def test_a_snapshot_of_another_release_is_read_as_far_as_it_makes_sense():
    live = read_snapshot(
        {"pid": "?", "folders": [7, {"name": "cameras", "ignored_by": []}], "uploads": None}
    )
    assert live.pid is None
    assert [folder.name for folder in live.folders] == ["cameras"]
    assert screen(live=live)


@pytest.mark.parametrize(
    ("per_minute", "words"),
    [
        (1.0, "; 1 upload a minute: the last one"),
        (6.0, "; 6 uploads a minute: the last one"),
        (0.25, "; 1 upload every 4 min: the last one"),
        (None, "USD; the last one goes out about Mon 03:10"),
    ],
)
def test_the_pace_is_said(per_minute, words):
    assert any(words in line for line in screen(per_minute=per_minute))


def test_the_status_document_has_what_the_interface_names():
    document = jsonout.status(make_report(FACTS))
    assert document["schema"] == 1
    assert document["daemon"] == {
        "running": True,
        "answering": True,
        "pid": 812,
        "since": "2026-11-21T21:04:10.000Z",
    }
    assert set(document["counts"]) == {str(state) for state in State}
    assert document["counts"]["queued"] == 207
    assert document["paused"] is False
    assert document["gates"] == []
    assert document["api"] == {
        "base_url": "https://api.memories.ai/serve/api/v1",
        "key_id": "...abcd",
        "key_source": "credential",
        "key_since": None,
        "last_ok_at": "2026-11-22T23:42:55.000Z",
    }
    assert document["queue"] == {
        "files": 207,
        "bytes": 402_000_000_000,
        "minutes": 611.0,
        "eta": "2026-11-23T03:10:00.000Z",
        "waiting_for": None,
    }
    nas = document["folders"][1]
    assert {
        key: nas[key]
        for key in ("name", "path", "mode", "filesystem", "state", "settling", "ignored_by")
    } == {
        "name": "nas",
        "path": "/mnt/nas",
        "mode": "poll",
        "filesystem": "cifs",
        "state": "missing",
        "settling": 0,
        "ignored_by": {},
    }
    assert document["uploads"][0]["bytes_per_second"] == 21_000_000.0
    assert document["uploads"][1]["phase"] == "awaiting_answer"


def test_without_a_daemon_the_document_has_no_uploads_and_nothing_settles():
    document = jsonout.status(
        make_report(replace(FACTS, running=False, live=None, pid=None, since=None))
    )
    assert document["daemon"] == {"running": False, "answering": False, "pid": None, "since": None}
    assert document["uploads"] == []
    assert document["counts"]["settling"] == 0
    assert document["api"]["key_id"] is None


def test_a_paused_daemon_is_paused_in_the_document():
    gate = Gate(GateName.PAUSED, NOW - 60, None, "Paused by hand.")
    document = jsonout.status(make_report(replace(FACTS, gates=(gate,))))
    assert document["paused"] is True
    assert document["gates"][0]["name"] == "paused"
    assert document["gates"][0]["until"] is None
