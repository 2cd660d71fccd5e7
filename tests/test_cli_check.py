"""`check`: one line each, with the remedy, against a real stand-in."""

from __future__ import annotations

import importlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ingestd.cli import checks_folder, checks_local, checks_settings
from ingestd.cli.checking import Grade
from ingestd.cli.checks_folder import Watches
from ingestd.cli.checks_settings import check_scopes
from ingestd.config import ApiKey, Fields, Folder, Settings
from ingestd.daemon.intake.guarding import META
from ingestd.journal import Journal
from ingestd.sim import Sim, SimSettings
from ingestd.watch.volumes import Volume
from test_cli_kit import Home, a_row

check_command = importlib.import_module("ingestd.cli.check")  # its name is the command's too


@pytest.fixture(scope="module")
def sim():
    with Sim(SimSettings(api_key="sk-mavi-right-0123456789")) as running:
        yield running


@pytest.fixture
def home(tmp_path, capsys, monkeypatch, sim):
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-right-0123456789")
    for name in ("INGESTD_API_KEY_FILE", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    home = Home(tmp_path, capsys)
    home.more = f'api: {{base_url: "{sim.url}"}}'
    home.write(f"folders: [{home.drop}]")
    return home


def grades(home: Home) -> dict[str, str]:
    said = home.run("check", "--json")
    found = {one["check"]: one["status"] for one in said.json}
    assert said.code == (1 if "fail" in found.values() else 0)
    return found


def test_all_is_well(home):
    said = home.run("check")
    assert said.code == 0
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 8
    assert f"{home.config}: 1 folder" in lines[0]
    assert lines[1].split()[1:] == ["key", "...6789", "from", "INGESTD_API_KEY"]
    assert "takes the key, 0 videos there" in lines[2]
    assert "none yet, the first start makes it" in lines[5]
    assert "sk-mavi" not in said.out


def test_the_configuration_alone_needs_neither_key_nor_network(home, monkeypatch):
    monkeypatch.delenv("INGESTD_API_KEY")
    home.more = ""
    home.write("folders: [/srv/not/there]")
    said = home.run("check", "--config-only")
    assert said.code == 0
    assert said.out.splitlines() == [f"ok    configuration   {home.config}: 1 folder"]


def test_a_broken_configuration_is_exit_code_2(home):
    home.write("folders: []")
    said = home.run("check", "--config-only")
    assert said.code == 2
    assert "must name at least one folder" in said.err


def test_no_configuration_at_all_says_where_it_looked(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home.place))
    monkeypatch.delenv("INGESTD_CONFIG", raising=False)
    said = home.bare("check")
    assert said.code == 2
    assert "There is no configuration file: looked for" in said.err


def test_a_missing_key_is_told_and_the_rest_is_checked_all_the_same(home, monkeypatch):
    monkeypatch.delenv("INGESTD_API_KEY")
    said = home.run("check")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[1].startswith("fail  key             There is no API key. Put it into a file")
    assert any(line.startswith("ok    folder drop") for line in lines)


def test_a_wrong_key_is_told_by_the_far_side(home, monkeypatch):
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-wrong-0123456789")
    said = home.run("check")
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if " api " in line]
    assert line.startswith("fail")
    assert line.endswith("Put the right key in its place.")
    assert "sk-mavi" not in said.out


def test_a_far_side_that_is_not_there_is_told(home):
    home.more = 'api: {base_url: "http://127.0.0.1:9/serve/api/v1"}'
    home.write(f"folders: [{home.drop}]")
    assert grades(home)["api"] == "fail"


def test_a_missing_folder_is_a_fail_with_a_remedy(home):
    home.write(f"folders: [{home.drop}, {home.place / 'none'}, {home.config}]")
    said = home.run("check")
    assert said.code == 1
    assert f"fail  folder none     {home.place / 'none'} does not exist. Make it," in said.out
    assert "is no folder." in said.out
    assert "was never seen since it was configured: is the path right?" in said.out
    assert f"{home.place} has: drop" in said.out


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (
            Volume("ext4", "/dev/sdz9", point="/", uuid="another"),
            "is on another disk than before. At",
        ),
        (
            Volume("cifs", "//nas/video", point="{drop}"),
            "is there, and its disk is not. //nas/video is not mounted on",
        ),
    ],
)
def test_another_disk_than_the_daemon_knows_is_told(home, known, words):
    home.journal()
    known = replace(known, point=known.point.format(drop=home.drop))
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        entry = {"volume": known.document(), "used": True}
        with journal.transaction():
            journal.set_meta(META, {str(home.drop): entry})
    said = home.run("check")
    (line,) = [line for line in said.out.splitlines() if " folder drop " in line]
    assert line.startswith("fail")
    assert words in line
    assert ("ingestd trust drop" in line) is (known.fstype == "ext4")
    home.drop.rmdir()
    assert "goes on by itself when it is back" in home.run("check").out


def test_an_existing_journal_is_opened_and_a_foreign_file_refused(home):
    home.journal(a_row())
    assert "journal         " + f"{home.state_dir}: 1 row\n" in home.run("check").out
    (home.state_dir / "journal.db").write_bytes(b"something else" * 1000)
    assert grades(home)["journal"] == "fail"


def test_a_folder_on_a_dead_share_does_not_hold_up_the_check(monkeypatch, tmp_path):
    never = threading.Event()
    monkeypatch.setattr(checks_folder, "PATIENCE", 0.05)
    monkeypatch.setattr(checks_folder, "_look", lambda *_args, **_options: never.wait())
    result, _ = checks_folder.check_folder(Folder(path=tmp_path))
    never.set()
    assert result.grade is Grade.FAIL
    assert "did not answer" in result.text


def test_directories_are_held_against_the_limits_of_inotify(monkeypatch, tmp_path):
    (tmp_path / "max_user_watches").write_text("1000\n")
    (tmp_path / "max_user_instances").write_text("10\n")
    monkeypatch.setattr(checks_local, "INOTIFY", tmp_path)
    assert checks_local.check_inotify(Watches(700), 3).grade is Grade.OK
    many = checks_local.check_inotify(Watches(900, more=True), 3)
    assert many.grade is Grade.WARN
    assert "fs.inotify.max_user_watches=52428" in many.remedy
    assert "max_user_instances" in checks_local.check_inotify(Watches(10), 9).remedy
    monkeypatch.setattr(checks_local, "INOTIFY", tmp_path / "none")
    assert checks_local.check_inotify(Watches(10), 9).grade is Grade.WARN


def test_a_clock_that_cannot_be_right_is_told():
    assert checks_local.check_clock(0.0, None).grade is Grade.FAIL
    assert checks_local.check_clock(1_795_000_000.0, None).grade is Grade.OK


@pytest.mark.parametrize(
    ("off", "grade", "words"),
    [
        (30.0, Grade.OK, "as at memories.ai"),
        (-30.0, Grade.OK, "as at memories.ai"),
        (600.0, Grade.WARN, "10 min ahead of memories.ai's clock"),
        (-600.0, Grade.WARN, "10 min behind memories.ai's clock"),
        (200_000.0, Grade.FAIL, "ahead of"),
    ],
)
def test_the_clock_is_held_against_the_far_sides(off, grade, words):
    now = 1_795_000_000.0
    result = checks_local.check_clock(now, now - off)
    assert result.grade is grade
    assert words in result.text


def test_the_far_sides_clock_is_read(home):
    (line,) = [one for one in home.run("check").out.splitlines() if " clock " in one]
    assert line.endswith(", as at memories.ai")


@pytest.mark.parametrize(
    ("free", "grade"), [(10**7, Grade.FAIL), (5 * 10**8, Grade.WARN), (10**10, Grade.OK)]
)
def test_a_full_disk_is_told_before_it_is_full(monkeypatch, free, grade):
    room = os.statvfs_result((4096, 1, 0, 0, free, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    assert checks_local.check_disk("disk", Path("/nowhere/below")).grade is grade


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_directory_that_cannot_be_made_is_told(tmp_path):
    tmp_path.chmod(0o500)
    assert checks_local.check_journal(tmp_path / "state").grade is Grade.FAIL


def test_a_journal_of_two_owners_is_told(home):
    home.journal(a_row())
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(home.state_dir / "journal.db", 65534, 65534)
    (line,) = [one for one in home.run("check").out.splitlines() if " journal " in one]
    assert line.startswith("fail")
    assert line.endswith(f"Run: sudo chown -R root: {home.state_dir}")


def test_looking_for_less_long_than_an_answer_may_take_is_told_without_a_key(home, monkeypatch):
    monkeypatch.delenv("INGESTD_API_KEY")
    home.write(f"folders: [{home.drop}]\nindexing: {{confirm_for: 10m}}")
    said = home.run("check", "--config-only")
    assert said.code == 0
    line = said.out.splitlines()[1]
    assert line.startswith("warn  settings        indexing.confirm_for (10 min) is under ")


def test_a_bandwidth_without_its_unit_is_told(home):
    home.write(f"folders: [{home.drop}]\nupload: {{bandwidth: 5}}")
    line = home.run("check", "--config-only").out.splitlines()[1]
    assert line.startswith("warn  settings        upload.bandwidth lets out 5 bytes a second")
    home.write(f"folders: [{home.drop}]\nupload: {{bandwidth: 5MB/s}}")
    assert len(home.run("check", "--config-only").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ("{extensions: [.mp4, .mxf]}", "validate.extensions: .mxf"),
        ("{codecs: [h264, prores]}", "validate.codecs: prores"),
        ("{max_size: 10GB}", "validate.max_size: 10 GB"),
    ],
)
def test_what_memories_ai_does_not_take_is_told(home, wanted, named):
    home.write(f"folders: [{home.drop}]\nvalidate: {wanted}")
    line = home.run("check", "--config-only").out.splitlines()[1]
    assert line.startswith("warn  settings        memories.ai does not take all")
    assert f"({named})" in line


def test_a_command_of_on_trouble_that_is_not_there_is_told(home):
    home.write(f"folders: [{home.drop}]\non_trouble: [{home.place}/notify, ingestd]")
    assert grades(home)["on_trouble"] == "warn"
    (home.place / "notify").touch(0o755)
    assert "on_trouble" not in grades(home)


def test_a_mirror_that_no_start_could_make_is_told(home):
    mirror = home.place / "disk" / "ingestd"
    home.write(f"folders: [{home.drop}]\nmirror_dir: {mirror}")
    assert grades(home)["mirror"] == "fail"
    mirror.parent.mkdir()
    assert grades(home)["mirror"] == "ok"
    assert not mirror.exists()


def test_a_folder_of_the_account_that_is_not_there_yet_is_told_and_not_made(home, sim):
    home.write(f"folders: [{{path: {home.drop}, fields: {{unique_id: holydays}}}}]")
    for _ in range(2):  # asking must not make it
        (line,) = [one for one in home.run("check").out.splitlines() if " unique_id " in one]
        assert line.startswith("warn")
        assert "'holydays' is not there yet: the first upload makes it." in line
    home.write(f"folders: [{{path: {home.drop}, fields: {{unique_id: '{{top}}'}}}}]")
    assert " unique_id " not in home.run("check").out


def test_a_slip_of_the_pen_is_guessed():
    settings = Settings(
        state_dir=Path("/s"),
        folders=(Folder(path=Path("/d"), fields=Fields(unique_id="holidy")),),
    )
    (result,) = check_scopes(settings, ("default", "holiday"))
    assert result.remedy == "Did you mean holiday?"
    assert list(check_scopes(settings, None)) == []
    assert list(check_scopes(settings, ("holidy",))) == []


def test_a_second_journal_with_the_same_key_is_told(home, tmp_path, monkeypatch):
    key = ApiKey("sk-mavi-right-0123456789", "a test")
    others = {"same": key.digest, "other": "0" * 16}
    for name, digest in others.items():
        with Journal.create_or_open(tmp_path / name, fstype=None) as journal:
            journal.set_meta("key_digest", digest)
    home.journal()
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta("key_digest", key.digest)
    places = [home.state_dir, tmp_path / "none", tmp_path / "same", tmp_path / "other"]
    monkeypatch.setattr(checks_settings, "_usual_places", lambda: places)
    said = home.run("check").out
    assert said.count("is another journal with the same key") == 1
    assert f"{tmp_path / 'same'} is another journal" in said


def test_the_mirrors_disk_is_looked_at_and_may_hang(monkeypatch, tmp_path):
    assert check_command._mirror(tmp_path / "mirror", None).grade is not Grade.FAIL
    monkeypatch.setattr(check_command, "PATIENCE", 0.1)
    monkeypatch.setattr(check_command, "check_mirror", lambda *_: time.sleep(60))
    result = check_command._mirror(tmp_path / "mirror", None)
    assert result.grade is Grade.FAIL
    assert result.text.endswith("did not answer within 0.1 s")
