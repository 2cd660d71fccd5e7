"""`run`: what it refuses, and one real pass over real clips against a real stand-in."""

from __future__ import annotations

import signal

import pytest

from ingestd import clips
from ingestd.journal import JournalReader, Selection
from ingestd.model import State
from ingestd.sim import Sim, SimSettings
from test_cli_kit import Home, finish, start

KEY = {"INGESTD_API_KEY": "sk-mavi-0123456789abcdef"}


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("INGESTD_CONFIG", "INGESTD_API_KEY", "INGESTD_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path, capsys)


@pytest.fixture
def sim(home):
    with Sim(SimSettings(parse_seconds=0.1)) as running:
        home.write(
            f'api: {{base_url: "{running.url}", reads_per_second: 0}}\n'
            f"folders: [{{path: {home.drop}, settle: 0s, poll_interval: 0.2s}}]\n"
            "upload: {per_minute: 0}\nindexing: {poll_min: 0.1s, poll_max: 0.2s}"
        )
        yield running


def states(home: Home) -> list[State]:
    with JournalReader.open(home.state_dir) as reader:
        return [item.state for item in reader.items(Selection())]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["run"], "There is no API key."),
        (["run", "DROP"], "The folders to watch are named in"),
        (["run", "--once", "/usr"], "/usr lies in no folder that"),
        (["run", "--once", "--until", "tomorrow"], "'tomorrow' is not one of"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2_and_makes_no_journal(home, argv, sentence):
    said = home.run(*[str(home.drop) if one == "DROP" else one for one in argv])
    assert said.code == 2
    assert sentence in said.err
    assert not home.state_dir.exists()


def test_without_configuration_and_paths_it_says_where_it_looked(home):
    home.config.unlink()
    said = home.bare("run")
    assert said.code == 2
    assert "There is no configuration file: looked for" in said.err


@pytest.mark.parametrize(
    ("name", "sentence"), [("none", "There is no folder"), ("config.yaml", "is no folder")]
)
def test_a_path_that_is_no_folder_is_refused_where_paths_are_the_folders(home, name, sentence):
    path = home.place / name
    home.config.rename(home.place / "kept.yaml")
    (home.place / "config.yaml").write_text("")
    said = home.bare("run", path, "--once")
    assert said.code == 2
    assert sentence in said.err


def test_one_directory_under_two_names_is_exit_code_2_and_makes_no_journal(home):
    link = home.place / "link"
    link.symlink_to(home.drop)
    home.config.write_text(f"state_dir: {home.state_dir}\nfolders: [{home.drop}, {link}]\n")
    said = home.run("run")
    assert said.code == 2
    assert f"{link} is the same directory as {home.drop}" in said.err
    assert not home.state_dir.exists()


def test_one_pass_ends_when_all_are_searchable(home, sim):
    home.clip("a.mp4")
    home.clip("card/b.mov", clip="pattern-hevc.mov")
    said = finish(start("run", "--once", "--timeout", "20s", "-c", home.config, **KEY))
    assert said.code == 0, said.err
    assert states(home) == [State.PARSED, State.PARSED]
    again = finish(start("run", "--once", "-c", home.config, **KEY))
    assert again.code == 0
    assert len(sim.report()["videos"]) == 2
    assert KEY["INGESTD_API_KEY"] not in said.err + said.out


def test_one_pass_with_a_bad_file_is_exit_code_1(home, sim):
    (home.drop / "bad.mov").write_bytes(clips.bad()[1])
    said = finish(start("run", "--once", "--timeout", "20s", "-c", home.config, **KEY))
    assert said.code == 1, said.err
    assert states(home) == [State.REJECTED]


def test_a_running_daemon_is_asked_told_and_ended(home, sim):
    daemon = start("-c", home.config, "run", **KEY)
    try:
        assert any("daemon.started" in line for line in daemon.stderr)
        clip = home.clip("a.mp4")
        assert home.run("wait", clip, "--timeout", "20s").code == 0
        paused = home.run("pause", "--json").json
        assert paused["acted"] is True
        status = home.run("status", "--json").json
        assert status["daemon"]["pid"] == daemon.pid
        assert status["paused"] is True
        assert home.run("resume").code == 0
        assert home.run("status", "--json").json["paused"] is False
        second = finish(start("-c", home.config, "run", **KEY))
        assert second.code == 3
        assert f"process {daemon.pid}" in second.err
    finally:
        daemon.send_signal(signal.SIGTERM)
        said = finish(daemon)
    assert said.code == 0
