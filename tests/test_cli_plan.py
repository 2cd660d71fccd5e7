"""`plan`: what would happen to real clips; nothing is changed by looking."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ingestd import clips
from ingestd.filestat import FdSource
from ingestd.fingerprint import sampled
from ingestd.model import Reason, State
from test_cli_kit import Home, a_row


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("INGESTD_CONFIG", raising=False)
    monkeypatch.delenv("INGESTD_API_KEY", raising=False)
    return Home(tmp_path, capsys)


def planned(home: Home, *argv: object) -> dict[str, tuple[str, str]]:
    said = home.run("plan", "--json", *argv)
    assert said.code == 0
    return {Path(one["path"]).name: (one["action"], one["reason"]) for one in said.json["files"]}


def sample_of(path: Path) -> str:
    with path.open("rb") as file:
        return sampled(FdSource(file.fileno()))


def test_real_clips_are_taken_and_what_is_none_is_rejected_or_waits(home):
    home.clip("good.mp4")
    (home.drop / "prores.mov").write_bytes(clips.bad()[1])
    (home.drop / "camera.mxf").write_bytes(b"x")
    (home.drop / "text.mp4").write_text("this is no video at all, whatever its name says")
    (home.drop / "cut.mp4").write_bytes(clips.unique("pattern-h264.mp4", b"")[:3000])
    (home.drop / "empty.mp4").touch()
    (home.drop / "link.mp4").symlink_to(home.drop / "good.mp4")
    (home.drop / "notes.xml").write_text("x")
    assert planned(home) == {
        "good.mp4": ("take", "new"),
        "prores.mov": ("reject", "codec"),
        "camera.mxf": ("reject", "extension"),
        "text.mp4": ("reject", "mime"),
        "cut.mp4": ("wait", "incomplete"),
        "empty.mp4": ("wait", "empty"),
        "link.mp4": ("reject", "not_regular"),
    }


def test_copies_are_found_among_new_files_and_against_the_journal(home):
    home.clip("a.mp4", b"one")
    home.clip("b.mp4", b"one")
    sent = home.clip("c.mp4", b"two")
    home.journal(
        a_row(
            "/srv/before.mp4",
            State.PARSED,
            video_no="VI1",
            fingerprint=sample_of(sent),
            stat=a_row(sent).stat,
        )
    )
    assert planned(home) == {
        "a.mp4": ("take", "new"),
        "b.mp4": ("skip", "duplicate"),
        "c.mp4": ("skip", "duplicate"),
    }


def test_what_the_journal_knows_is_told_by_its_state(home):
    home.journal(
        a_row(home.clip("queued.mp4")),
        a_row(home.clip("parsed.mp4"), State.PARSED, video_no="VI1"),
        a_row(home.clip("held.mp4"), State.HELD, reason=Reason.SURGE),
        a_row(home.clip("failed.mp4"), State.FAILED, reason=Reason.ATTEMPTS_EXHAUSTED),
    )
    assert planned(home) == {
        "queued.mp4": ("take", "queued"),
        "parsed.mp4": ("skip", "parsed"),
        "held.mp4": ("hold", "surge"),
        "failed.mp4": ("take", "new"),
    }


def test_a_file_that_changed_since_is_looked_into_again(home):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip, State.PARSED, video_no="VI1"))
    home.clip("a.mp4", b"other content")
    os.utime(clip, (1_600_000_000, 1_600_000_000))
    assert planned(home) == {"a.mp4": ("take", "new")}


def test_the_sums_say_clips_bytes_minutes_cost_and_time(home):
    for number in range(3):
        home.clip(f"{number}.mp4")
    (home.drop / "bad.mov").write_bytes(clips.bad()[1])
    (home.drop / "notes.xml").write_text("x")
    lines = home.run("plan").out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["take", "take", "take", "reject"]
    assert lines[5].startswith("TAKE      3 clips, ")
    assert "less than 0.01 USD, 3 min at 1 a minute" in lines[5]
    assert lines[6] == "REJECT    1 codec"
    assert lines[7] == "IGNORE    1 names that are no video's: 1 .xml"
    assert lines[8] == "Nothing was changed."
    assert home.run("plan", "--sums").out.splitlines() == lines[5:]


def test_it_works_without_a_journal_and_makes_none(home):
    home.clip("a.mp4")
    assert planned(home) == {"a.mp4": ("take", "new")}
    assert not home.state_dir.exists()


def test_a_path_alone_needs_no_configuration(home, tmp_path):
    card = tmp_path / "card"
    card.mkdir()
    (card / "a.mp4").write_bytes(clips.unique("pattern-h264.mp4", b"a"))
    home.config.unlink()
    said = home.bare("plan", card)
    assert said.code == 0
    assert said.out.startswith("take")
    assert home.bare("plan", card / "a.mp4").out == said.out
    nothing = home.bare("plan")
    assert nothing.code == 2
    assert "ingestd plan PATH" in nothing.err


def test_a_path_in_a_watched_folder_goes_by_its_rules(home):
    home.write(f'folders: [{{path: {home.drop}, exclude: ["b*"]}}]')
    home.clip("card/a.mp4")
    home.clip("card/b.mp4")
    home.clip("other/c.mp4")
    assert planned(home, home.drop / "card") == {"a.mp4": ("take", "new")}
    assert planned(home, home.drop / "card" / "b.mp4") == {"b.mp4": ("skip", "ignored")}


def test_a_folder_that_is_not_there_is_said(home):
    home.drop.rmdir()
    said = home.run("plan")
    assert said.code == 0
    assert "TROUBLE   drop: " in said.out


def test_an_odd_name_is_planned_like_any_other(home):
    name = os.fsdecode(b"odd\xff\n.mp4")
    home.clip(name)
    assert planned(home) == {name: ("take", "new")}
    assert len(home.run("plan").out.splitlines()) == 4


# --- what the guard would hold --------------------------------------------------------------------


def test_what_a_first_look_would_hold_is_told_with_its_sum(home):
    home.more = "guard: {first_look_files: 2}"
    home.write(f"folders: [{home.drop}]")
    for number in range(3):
        home.clip(f"{number}.mp4")
    (home.drop / "bad.mov").write_bytes(clips.bad()[1])
    said = home.run("plan")
    lines = said.out.splitlines()
    assert sorted(line.split()[0] for line in lines[:4]) == ["hold", "hold", "hold", "reject"]
    assert any(line.startswith("TAKE      0 clips") for line in lines)
    (hold,) = [line for line in lines if line.startswith("HOLD ")]
    assert hold.startswith("HOLD      3 clips, ")
    assert "3 first_look" in hold
    assert home.run("plan", "--json").json["sums"]["hold"]["clips"] == 3


def test_as_many_as_a_first_look_lets_go_are_taken(home):
    home.more = "guard: {first_look_files: 2}"
    home.write(f"folders: [{home.drop}]")
    for number in range(2):
        home.clip(f"{number}.mp4")
    home.clip("copy.mp4", b"0.mp4")
    assert sorted(action for action, _ in planned(home).values()) == ["skip", "take", "take"]


def test_what_exceeds_the_surge_brake_would_be_held(home):
    home.more = "guard: {max_files: 2}"
    home.write(f"folders: [{home.drop}]")
    for number in range(5):
        home.clip(f"{number}.mp4")
    assert [planned(home)[f"{number}.mp4"] for number in range(5)] == [
        ("take", "new"),
        ("take", "new"),
        *[("hold", "surge")] * 3,
    ]


def test_the_same_content_in_another_scope_would_be_held(home):
    path = home.clip("new.mp4")
    row = a_row(path, State.PARSED, video_no="VI1", scope="unique_id=other")
    home.journal(replace(row, path="/srv/other/a.mp4", fingerprint=sample_of(path)))
    assert planned(home) == {"new.mp4": ("hold", "other_scope")}


def test_a_named_path_that_is_not_there_is_exit_code_1(home):
    said = home.run("plan", home.drop / "crad7")
    assert said.code == 1
    assert "there is no such file" in said.out
    assert home.run("plan", home.drop).code == 0
