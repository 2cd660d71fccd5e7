"""add, retry, forget, pause, resume: wishes for a daemon that runs, or will."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ingestd import clips
from ingestd.journal import JournalReader, add_wish
from ingestd.model import Reason, State
from test_cli_kit import Home, a_daemon, a_row, at_a_terminal, clean_environment

CODEC = {"reason": Reason.CODEC, "detail": "It is ProRes."}


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    at_a_terminal(monkeypatch, None)
    return Home(tmp_path, capsys)


def pending(home: Home) -> list[tuple[str, dict[str, object]]]:
    with JournalReader.open(home.state_dir) as reader:
        return [(wish.verb, dict(wish.args)) for wish in reader.pending_wishes()]


# --- with and without a daemon --------------------------------------------------------------------


def test_without_a_daemon_a_wish_waits_for_its_next_start(home):
    home.journal()
    said = home.run("pause")
    assert said.code == 0
    assert said.out == (
        "ingestd is not running: this is noted and will be done at its next start.\n"
    )
    assert pending(home) == [("pause", {"now": False, "until": None})]


def test_a_running_daemon_acts_at_once_and_its_words_are_told(home):
    home.journal()
    result = {"done": [], "refused": [], "text": "Going on."}
    with a_daemon(home.state_dir, result=result) as daemon:
        said = home.run("resume", "--over-budget")
    assert (said.code, said.out) == (0, "Going on.\n")
    others = {"new_account": False, "same_account": False, "foreign_ok": False}
    assert daemon.wishes == [("resume", {"over_budget": True, **others})]


def test_what_the_daemon_refuses_is_told_and_is_exit_code_1(home):
    home.journal(a_row())
    result = {"done": [], "refused": [{"id": 1, "why": "It is queued."}], "text": "0 forgotten."}
    with a_daemon(home.state_dir, result=result):
        said = home.run("forget", "1")
    assert said.code == 1
    assert said.err == "  not 1: It is queued.\n"


def test_a_busy_daemon_does_not_hold_up_the_command_for_ever(home, monkeypatch):
    monkeypatch.setattr("ingestd.cli.wishes.PATIENCE", 0.2)
    home.journal()
    with a_daemon(home.state_dir, deaf=True):
        said = home.run("pause", "--json")
    assert said.code == 0
    assert said.json["acted"] is False
    assert "busy" in said.json["text"]


def test_without_a_journal_nothing_can_be_asked(home):
    said = home.run("pause")
    assert said.code == 4
    assert "There is no journal" in said.err


def test_pause_for_a_while_says_until_when(home):
    home.journal()
    home.run("pause", "--for", "2h", "--now")
    ((_, args),) = pending(home)
    assert args["now"] is True
    assert abs(args["until"] - time.time() - 7200) < 60


def test_pause_can_wait_until_nothing_is_in_flight(home):
    home.journal()
    answers = {"snapshot": {"pid": 1, "uploads": []}}
    with a_daemon(home.state_dir, answers=answers):
        assert home.run("pause", "--wait").code == 0


# --- retry ----------------------------------------------------------------------------------------


def test_what_may_cost_money_is_not_done_without_a_yes(home):
    home.journal(a_row(state=State.REJECTED, **CODEC))
    said = home.run("retry", "1")
    assert said.code == 2
    assert said.out == ""
    assert "1 clip, 1.0 kB, 2.0 min, about 0.03 USD, 1 min at 1 a minute." in said.err
    assert "say --yes" in said.err
    assert pending(home) == []


def test_with_yes_it_is_done_and_the_price_is_still_said(home):
    home.journal(a_row(state=State.REJECTED, **CODEC))
    said = home.run("retry", "1", "--yes")
    assert said.code == 0
    assert "about 0.03 USD" in said.err
    assert pending(home) == [("retry", {"ids": [1], "pay_again": False})]


@pytest.mark.parametrize(("yes", "code", "wishes"), [(True, 0, 1), (False, 1, 0)])
def test_a_person_at_a_terminal_is_asked(home, monkeypatch, yes, code, wishes):
    home.journal(a_row(state=State.REJECTED, **CODEC))
    at_a_terminal(monkeypatch, lambda *_args, **_options: yes)
    assert home.run("retry", "1").code == code
    assert len(pending(home)) == wishes


def test_following_a_paid_video_again_costs_nothing_and_asks_nothing(home):
    home.journal(
        a_row(state=State.FAILED, reason=Reason.INDEXING_FAILED, video_no="VI1"),
    )
    assert home.run("retry", "1").code == 0
    assert pending(home) == [("retry", {"ids": [1], "pay_again": False})]


def test_paying_again_asks_although_the_video_is_there(home):
    home.journal(
        a_row(state=State.FAILED, reason=Reason.INDEXING_FAILED, video_no="VI1"),
    )
    said = home.run("retry", "1", "--pay-again")
    assert said.code == 2
    assert "AGAIN, also what was paid already" in said.err


def test_a_dry_run_lists_and_does_nothing(home):
    home.journal(
        a_row("/srv/a.mov", State.REJECTED, **CODEC),
        a_row("/srv/b.mp4", State.PARSED, video_no="VI1"),
    )
    said = home.run("retry", "--all", "--dry-run")
    assert said.code == 0
    assert "/srv/a.mov" in said.out
    assert "/srv/b.mp4" not in said.out
    assert "Nothing was done (--dry-run)." in said.out
    assert [row["id"] for row in home.run("retry", "--all", "-n", "--json").json] == [1]
    assert pending(home) == []


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["--all"], [1, 2]),
        (["--reason", "codec"], [1]),
        (["--path", "/srv/two"], [2]),
        (["--state", "failed"], [2]),
    ],
)
def test_filters_choose_among_failed_and_rejected(home, filters, ids):
    home.journal(
        a_row("/srv/one/a.mov", State.REJECTED, **CODEC),
        a_row("/srv/two/b.mp4", State.FAILED, reason=Reason.REFUSED),
        a_row("/srv/two/c.mp4", State.PARSED, video_no="VI1"),
    )
    home.run("retry", "--yes", *filters)
    assert pending(home) == [("retry", {"ids": ids, "pay_again": False})]


def test_what_is_neither_failed_nor_rejected_is_left_to_the_daemon_to_refuse(home):
    home.journal(a_row())
    assert home.run("retry", "1").code == 0  # costs nothing, so nobody is asked
    assert pending(home) == [("retry", {"ids": [1], "pay_again": False})]


def test_nothing_to_retry_is_no_mistake(home):
    home.journal()
    said = home.run("retry", "--all")
    assert said.code == 0
    assert "nothing to do" in said.out


def test_an_unknown_reference_stops_the_whole_command(home):
    home.journal(a_row(state=State.REJECTED, **CODEC))
    said = home.run("retry", "1", "77", "--yes")
    assert said.code == 1
    assert "'77'; nothing was done" in said.err
    assert pending(home) == []


def test_thousands_of_rows_go_in_portions(home):
    home.journal(*(a_row(f"/srv/{n:04}.mov", State.REJECTED, **CODEC) for n in range(1500)))
    home.run("retry", "--all", "--yes")
    assert [len(args["ids"]) for _, args in pending(home)] == [1000, 500]


# --- forget ---------------------------------------------------------------------------------------


def test_forget_by_filter_takes_what_has_ended(home):
    home.journal(
        a_row("/srv/a.mov", State.REJECTED, **CODEC),
        a_row("/srv/b.mp4"),
        a_row("/srv/c.mp4", State.PARSED, video_no="VI1"),
    )
    assert home.run("forget", "--folder", "drop").code == 0
    assert pending(home) == [("forget", {"ids": [1, 3]})]


# --- add ------------------------------------------------------------------------------------------


def test_add_says_what_it_costs_and_wants_a_yes(home, tmp_path):
    home.journal()
    card = tmp_path / "card"
    card.mkdir()
    (card / "a.mp4").write_bytes(clips.unique("pattern-h264.mp4", b"a"))
    (card / "bad.mov").write_bytes(clips.bad()[1])
    said = home.run("add", card)
    assert said.code == 2
    assert "To be uploaded: 1 clip" in said.err
    assert "reject" in said.err
    assert pending(home) == []


def test_a_script_that_names_files_means_them(home):
    home.journal()
    clip, other = home.clip("a.mp4"), home.clip("b.mp4")
    assert home.run("add", clip, other).code == 0
    assert [args["paths"] for _, args in pending(home)] == [[str(clip), str(other)]]
    assert home.run("add", clip, home.drop).code == 2
    assert home.run("add", clip, "--pay-again").code == 2
    assert len(pending(home)) == 1


def test_add_hands_on_absolute_paths_odd_bytes_included(home, tmp_path, monkeypatch):
    home.journal()
    name = os.fsdecode(b"odd\xff.mp4")
    (tmp_path / name).write_bytes(clips.unique("pattern-h264.mp4", b"odd"))
    monkeypatch.chdir(tmp_path)
    assert home.run("add", name, "--yes", "--folder", "drop").code == 0
    assert pending(home) == [
        ("add", {"paths": [str(tmp_path / name)], "folder": "drop", "pay_again": False})
    ]


def test_add_knows_what_is_paid_and_costs_nothing_then(home):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip, State.PARSED, video_no="VI1"))
    said = home.run("add", clip)
    assert said.code == 0
    assert "not paid again" in said.err
    paying = home.run("add", clip, "--pay-again", "--dry-run")
    assert "To be uploaded: 1 clip" in paying.out


def test_add_names_the_folders_when_one_is_misspelt(home):
    home.journal()
    said = home.run("add", home.drop, "--folder", "dorp")
    assert said.code == 2
    assert "There is no watched folder 'dorp'. Did you mean drop?" in said.err


def test_add_of_nothing_says_so(home):
    home.journal()
    said = home.run("add", home.place / "none.mp4", "--dry-run")
    assert "there is no such file" in said.err


# --- whose process it is --------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_as_root_a_command_becomes_the_owner_of_the_state_directory(home):
    home.journal()
    for path in (home.place, home.state_dir, *home.state_dir.iterdir()):
        os.chown(path, 12345, 12345)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from ingestd.cli.session import become_owner\n"
        "become_owner(Path(sys.argv[1]))\n"
        "print(os.getresuid(), os.getresgid(), os.getgroups())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, home.state_dir],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
    )
    assert done.stdout == "(12345, 12345, 12345) (12345, 12345, 12345) []\n"


def test_a_wish_of_another_command_is_not_taken_for_ours(home):
    home.journal()
    add_wish(home.state_dir, "pause", {}, 1.0)
    result = {"done": [], "refused": [], "text": "Going on."}
    with a_daemon(home.state_dir, result=result) as daemon:
        assert home.run("resume").out == "Going on.\n"
    assert [verb for verb, _ in daemon.wishes] == ["pause", "resume"]
