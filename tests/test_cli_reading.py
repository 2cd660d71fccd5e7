"""list, show, why and status on real journals, with and without a daemon."""

from __future__ import annotations

import json
import os
import time

import pytest

from ingestd.cli import status_offline
from ingestd.journal import Journal
from ingestd.model import Reason, State
from ingestd.watch.entries import RootState
from test_cli_kit import AT, Home, a_daemon, a_row

ODD = os.fsdecode(b"/srv/odd\xff\n.mp4")


@pytest.fixture
def home(tmp_path, capsys):
    return Home(tmp_path, capsys)


@pytest.fixture
def rows(home):
    """One row of each of some states."""
    return home.journal(
        a_row("/srv/card1/a.mp4"),
        a_row("/srv/card1/b.mp4", State.PARSED, video_no="VI1", upload_name="b~aa.mp4"),
        a_row("/srv/card2/c.mov", State.REJECTED, reason=Reason.CODEC, detail="It is ProRes."),
        a_row(ODD, State.FAILED, reason=Reason.REFUSED, detail="Too odd."),
    )


# --- list -----------------------------------------------------------------------------------------


def test_a_pipe_gets_every_row_as_columns_with_the_path_last(home, rows):
    said = home.run("list")
    assert said.code == 0
    fields = [line.split() for line in said.out.splitlines()]
    assert fields[0] == [
        "1",
        "queued",
        "-",
        "1000",
        "2023-11-14T22:13:20.000Z",
        "/srv/card1/a.mp4",
    ]
    assert fields[2][:3] == ["3", "rejected", "codec"]
    assert len(fields) == 4  # the line break in the odd name makes no line of its own


def test_a_terminal_gets_the_newest_fifty_and_is_told_so(home, monkeypatch):
    home.journal(*(a_row(f"/srv/{n:03}.mp4") for n in range(60)))
    monkeypatch.setattr("ingestd.cli.terminal.is_terminal", lambda: True)
    lines = home.run("list").out.splitlines()
    assert lines[0].split() == ["ID", "STATE", "REASON", "SIZE", "CHANGED", "PATH"]
    assert lines[1].endswith("/srv/010.mp4")
    assert lines[-1] == "The newest 50 of 60. All of them: ingestd list --limit 0"
    assert len(lines) == 52
    assert len(home.run("list", "--limit", "0").out.splitlines()) == 61


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["--state", "rejected,failed"], [3, 4]),
        (["--reason", "codec"], [3]),
        (["--path", "/srv/card1"], [1, 2]),
        (["--path", "/srv/card1/a.mp4"], [1]),
        (["--folder", "drop"], [1, 2, 3, 4]),
        (["--limit", "2"], [3, 4]),
        (["--since", "1h"], []),
        (["--limit", "99999999999999999999"], [1, 2, 3, 4]),
        (["--since", "2023-11-14"], [1, 2, 3, 4]),
    ],
)
def test_filters_choose_rows(home, rows, filters, ids):
    assert [row["id"] for row in home.run("list", "--json", *filters).json] == ids


def test_json_is_one_document_and_jsonl_a_row_a_line(home, rows):
    array = home.run("list", "--json").json
    lines = [json.loads(line) for line in home.run("list", "--jsonl").out.splitlines()]
    assert array == lines
    assert array[3]["path"] == ODD


def test_an_empty_list_is_an_empty_array(home):
    home.journal()
    assert home.run("list", "--json").json == []
    assert home.run("list").out == ""


# --- show -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["2", "/srv/card1/b.mp4", "b~aa.mp4", "b~aa", "VI1"])
def test_a_file_is_found_by_whatever_names_it(home, rows, ref):
    said = home.run("show", ref, "--json")
    assert said.code == 0
    assert said.json["id"] == 2
    assert said.json["history"][0]["event"] == "file.seen"


def test_an_odd_path_is_found_as_its_bytes_and_as_json_wrote_it(home, rows):
    written = json.dumps(ODD)[1:-1]
    assert home.run("show", ODD, "--json").json["id"] == 4
    assert home.run("show", written, "--json").json["id"] == 4


def test_a_relative_path_means_the_current_directory(home, monkeypatch):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip))
    monkeypatch.chdir(home.drop)
    assert home.run("show", "a.mp4", "--json").json["path"] == str(clip)


def test_the_page_says_what_happened_and_what_to_do(home, rows):
    out = home.run("why", "3").out
    assert out.startswith("c.mov   rejected (codec)\nIt is ProRes.\n")
    assert "  size         1.0 kB (1 000 bytes), 2.0 min\n" in out
    assert "-> rejected" in out


def test_of_several_rows_the_newest_is_shown_with_a_note(home):
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.add(a_row("/srv/a.mp4"), "file.seen", AT)
        journal.add(a_row("/srv/a.mp4"), "file.seen", AT + 5)
    said = home.run("show", "/srv/a.mp4")
    assert "  id           2\n" in said.out
    assert "2 are known by this name. The others: 1 (ingestd show ID)" in said.out
    assert home.run("show", "/srv/a.mp4", "--json").json["matches"] == [2, 1]


def test_what_is_no_name_of_anything_is_exit_code_1(home, rows):
    said = home.run("show", "VI999")
    assert said.code == 1
    assert "No file is known by 'VI999'" in said.err


# --- why a path has no row ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("notes.xml", "ignored", ".xml is no extension of a video"),
        ("._a.mp4", "ignored", "junk"),
        ("private/a.mp4", "ignored", "exclude: private"),
        ("a.mxf", "unknown", "takes no .mxf files"),
        ("a.mp4", "unknown", "it looks at it at its next start"),
    ],
)
def test_a_path_without_a_row_is_explained_by_the_rules(home, name, state, words):
    home.write(f"folders: [{{path: {home.drop}, exclude: [private]}}]")
    home.journal()
    path = home.drop / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    said = home.run("why", path, "--json")
    assert said.code == 0
    assert (said.json["state"], said.json["id"]) == (state, None)
    assert words in said.json["detail"]


def test_a_path_outside_of_every_folder_is_unwatched(home):
    home.journal()
    said = home.run("why", "/usr/bin/env")
    assert said.code == 0
    assert said.out.startswith("unwatched: It lies in no watched folder.")


def test_a_path_without_a_row_has_the_names_of_a_row(home):
    home.journal(a_row(home.clip("a.mp4")))
    known = home.run("show", "1", "--json").json
    unknown = home.run("show", "/usr/bin/env", "--json").json
    assert list(unknown) == list(known)
    assert (unknown["id"], unknown["history"], unknown["sends"]) == (None, [], [])


def test_a_path_where_nothing_lies_is_exit_code_1(home):
    home.journal()
    said = home.run("why", home.drop / "none.mp4")
    assert said.code == 1
    assert "Nothing lies at this path" in said.out


def test_a_running_daemon_knows_why_a_file_still_settles(home):
    home.journal()
    clip = home.clip("a.mp4")
    told = {"explain": {"state": "settling", "detail": "settling for 12 of 60 s"}}
    with a_daemon(home.state_dir, answers=told):
        assert home.run("why", clip).out == "settling: settling for 12 of 60 s\n"


# --- status ---------------------------------------------------------------------------------------


def snapshot(home: Home, **changes: object) -> dict[str, dict[str, object]]:
    folder = {
        "name": "drop",
        "path": str(home.drop),
        "mode": "events",
        "filesystem": "ext4",
        "state": "ok",
        "last_scan_at": time.time(),
        "settling": 1,
        "ignored_by": {".xml": 2},
    }
    told = {"version": "9.9.9", "pid": 77, "since": time.time() - 60, "folders": [folder]}
    return {"snapshot": {**told, **changes}}


def test_status_without_a_daemon_reads_the_journal(home, rows):
    said = home.run("status", "--json")
    assert said.code == 0
    document = said.json
    assert document["daemon"]["running"] is False
    assert document["counts"]["queued"] == 1
    assert document["counts"]["settling"] == 0
    assert document["uploads"] == []
    assert document["folders"][0]["name"] == "drop"
    assert document["folders"][0]["mode"] in ("events", "poll")
    assert document["folders"][0]["state"] == "ok"
    assert document["folders"][0]["last_scan_at"] is None  # it was never looked at


def test_a_folder_that_nobody_has_looked_at_is_looked_at_now(home, rows, monkeypatch):
    away = home.place / "away"
    home.write(f"folders: [{home.drop}, {away}]")
    _, folder = home.run("status", "--json").json["folders"]
    assert folder["state"] == "missing"
    assert "create it, or mount it" in folder["detail"]
    assert "MISSING" in home.run("status").out
    monkeypatch.setattr(status_offline, "_look", lambda _: time.sleep(60))
    before = time.monotonic()
    folders = home.run("status", "--json").json["folders"]
    assert [one["state"] for one in folders] == ["hung", "hung"]
    assert time.monotonic() - before < 30  # it does not wait for them


def test_what_only_this_user_may_not_read_is_no_trouble_of_the_folder(home, monkeypatch):
    denied = RootState.UNREADABLE, "may not be read by this user"
    monkeypatch.setattr(status_offline, "_look", lambda _: denied)
    home.state_dir.mkdir(exist_ok=True)
    looked = status_offline.look_at([str(home.drop)], home.state_dir)
    assert looked == {str(home.drop): denied}
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    looked = status_offline.look_at([str(home.drop)], home.state_dir)
    assert looked == {str(home.drop): (RootState.OK, None)}


def test_a_key_that_was_set_while_nothing_runs_is_the_one_that_status_names(home, rows):
    file = home.place / "key"
    file.write_text("sk-mavi-0123456789abcdef")
    file.chmod(0o600)
    home.more = f"api: {{key_file: {file}}}"
    home.write(f"folders: [{home.drop}]")
    api = {"key_id": "...wxyz", "key_source": "api.key_file", "key_since": AT, "last_ok_at": AT}
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta("last_known", {"api": api})
    told = home.run("status", "--json").json["api"]
    assert (told["key_id"], told["key_source"]) == ("...cdef", "api.key_file")
    assert told["key_since"] is None  # it was in no use yet
    assert told["last_ok_at"] == "2023-11-14T22:13:20.000Z"
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta("last_known", {"api": {**api, "key_source": "credential"}})
    told = home.run("status", "--json").json["api"]  # this file is no credential
    assert (told["key_id"], told["key_source"]) == ("...wxyz", "credential")


def test_what_systemd_will_hand_over_is_read_before_root_is_somebody_else(home, monkeypatch):
    monkeypatch.setattr(status_offline, "_SYSTEM_DIR", home.config.parent)
    (home.config.parent / "api-key").write_text("sk-mavi-0123456789abcdef")
    (home.config.parent / "api-key").chmod(0o600)
    home.journal()
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta("last_known", {"api": {"key_id": "...wxyz", "key_source": "credential"}})
    assert home.run("status", "--json").json["api"]["key_id"] == "...cdef"


def test_status_without_a_daemon_says_what_the_last_one_knew(home, rows, monkeypatch):
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-0123456789abcdef")
    fresh = home.run("status", "--json").json
    assert (fresh["api"]["key_id"], fresh["api"]["key_source"]) == ("...cdef", "INGESTD_API_KEY")
    assert fresh["folders"][0]["last_scan_at"] is None  # nobody has looked at it yet
    known = snapshot(home)["snapshot"]
    known["api"] = {"key_id": "...wxyz", "key_source": "credential", "last_ok_at": AT}
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta("last_known", known)
    document = home.run("status", "--json").json
    folder, api = document["folders"][0], document["api"]
    assert (folder["state"], folder["ignored_by"], folder["settling"]) == ("ok", {".xml": 2}, 0)
    assert folder["last_scan_at"]
    assert (api["key_id"], api["key_source"]) == ("...wxyz", "credential")
    assert api["last_ok_at"] == "2023-11-14T22:13:20.000Z"
    assert document["counts"]["settling"] == 0
    assert document["daemon"]["running"] is False
    other = home.place / "other"  # what is known of one place says nothing of another
    other.mkdir()
    home.write(f"folders: [{{path: {other}, name: drop}}]")
    assert home.run("status", "--json").json["folders"][0]["last_scan_at"] is None


@pytest.mark.parametrize("command", [("list",), ("retry", "--yes"), ("approve", "--yes")])
def test_a_folder_that_nobody_knows_is_refused_with_the_nearest_one(home, rows, command):
    said = home.run(*command, "--folder", "drpo")
    assert said.code == 2
    assert "Did you mean drop?" in said.err
    said = home.run(*command, "--folder", "xyz")
    assert "There are: drop." in said.err


def test_a_folder_that_only_the_journal_knows_is_one(home):
    home.journal(a_row("/srv/old.mp4", folder="old"))
    assert "/srv/old.mp4" in home.run("list", "--folder", "old").out


def test_status_joins_journal_and_daemon(home, rows):
    with a_daemon(home.state_dir, answers=snapshot(home, settling=1)):
        said = home.run("status")
        document = home.run("status", "--json").json
    lines = said.out.splitlines()
    assert lines[0].startswith("ingestd 9.9.9   running since ")
    assert "(pid 77)" in lines[0]
    assert lines[4].split()[:3] == ["drop", "events", "ext4"]
    assert "SETTLING  1 file not known to be complete yet" in lines
    assert any("1 codec" in line and "1 refused" in line for line in lines)
    assert document["daemon"]["pid"] == 77
    assert document["counts"]["settling"] == 1


def test_status_of_a_busy_daemon_says_so_within_a_second(home, rows):
    with a_daemon(home.state_dir, deaf=True):
        began = time.monotonic()
        said = home.run("status")
        assert time.monotonic() - began < 2
    assert "BUSY" in said.out
    assert f"(pid {os.getpid()})" in said.out


def test_status_of_a_card_counts_its_rows_and_what_no_row_knows(home):
    known, unknown = home.clip("card1/a.mp4"), home.clip("card1/b.mp4")
    other = home.clip("card2/c.mp4")
    home.journal(
        a_row(known, State.PARSED, video_no="VI1"),
        a_row(other, State.REJECTED, reason=Reason.CODEC),
    )
    assert unknown.exists()
    document = home.run("status", home.drop / "card1", "--json").json
    assert document["path"] == str(home.drop / "card1")
    assert document["counts"]["parsed"] == 1
    assert document["counts"]["rejected"] == 0
    assert document["unseen"] == 1
    assert "not safe to erase" in home.run("status", home.drop / "card1").out


def test_status_of_a_path_that_means_nothing_is_no_good_news(home, rows):
    said = home.run("status", home.drop / "crad1")
    assert (said.code, said.out) == (1, "")
    assert "is the path right?" in said.err


def test_status_below_a_folder_that_is_away_says_that(home):
    home.journal()
    home.drop.rmdir()
    document = home.run("status", home.drop / "card1", "--json").json
    assert [folder["state"] for folder in document["folders"]] == ["missing"]


def test_status_of_a_whole_folder_leaves_the_others_out(home):
    second = home.place / "second"
    second.mkdir()
    home.write(f"folders: [{home.drop}, {second}]")
    home.journal(
        a_row(home.drop / "a.mp4"),
        a_row(second / "b.mp4", folder="second"),
    )
    document = home.run("status", second, "--json").json
    assert [folder["name"] for folder in document["folders"]] == ["second"]
    assert document["queue"]["files"] == 1


def test_the_codecs_that_were_refused_are_named(home):
    home.journal(a_row("/srv/a.mov", State.REJECTED, reason=Reason.CODEC, codec="prores"))
    assert "1 codec (prores)" in home.run("status").out
