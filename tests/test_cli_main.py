"""From errors to one sentence and an exit code; options before and after the command's name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ingestd import __version__
from test_cli_kit import Home, a_row, clean_environment, finish, start

QUICKLY = """
import sys
sys.argv = ["ingestd", "--version"]
from ingestd.cli import main
main()
print(sorted({"click", "rich", "pydantic", "httpx"} & set(sys.modules)))
"""
COMMANDS = {
    *("run", "check", "plan", "status", "health", "list", "show", "why", "wait"),
    *("add", "retry", "forget", "trust", "key", "config", "pause", "resume", "sim", "demo"),
    *("install", "uninstall", "completion"),
    *("approve", "skip", "link", "recover", "audit"),
}


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("INGESTD_CONFIG", raising=False)
    return Home(tmp_path, capsys)


def test_the_version_is_told_without_loading_anything_else():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            QUICKLY,
        ],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
    )
    assert told.stdout == f"ingestd {__version__}\n[]\n"


def test_the_version_behind_another_option_is_the_same(home):
    assert home.run("--version").out == f"ingestd {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(home, argv):
    said = home.bare(*argv)
    assert said.code == 0
    lines = said.out.split("Commands:")[1].splitlines()
    listed = {line.split()[0] for line in lines if line[:3].strip()}  # the rest are wrapped
    assert listed == COMMANDS


@pytest.mark.parametrize(
    "command",
    sorted(COMMANDS),
)
def test_every_command_explains_itself_and_takes_a_configuration(home, command):
    said = home.bare(command, "--help")
    assert said.code == 0
    assert "--config FILE" in said.out


def test_the_configuration_may_stand_before_and_after_the_command(home):
    home.journal(a_row())
    before, after = home.bare("-c", home.config, "list"), home.bare("list", "-c", home.config)
    assert before.out == after.out != ""
    assert before.code == after.code == 0


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["stauts"], "There is no command 'stauts'. Did you mean status?"),
        (["xyzzy"], "There is no command 'xyzzy'."),
        (["show"], "Missing argument 'REF'. See: ingestd show --help"),
        (["status", "--foo"], "No such option"),
        (["list", "--state", "rejectd"], "'rejectd' is unknown; did you mean rejected?"),
        (["list", "--since", "2 moons"], "must be an age such as 90s, 2h or 1d, `today`, or"),
        (["list", "--since", "2026-99-01"], "is no time such as 2026-11-22"),
        (["audit", "--scope", "trip"], "must be unique_id=NAME or folder_id=NUMBER"),
        (["recover", "--scope", "folder_id=trip"], "must be unique_id=NAME or folder_id=NUMBER"),
        (["approve", "--state", "held", "--path", "", "--yes"], "is a variable unset?"),
        (["approve", "--state", "held", "--folder", "", "--yes"], "is a variable unset?"),
        (["approve", "--all", "--state", "", "--yes"], "is a variable unset?"),
        (["approve", "--all", "--yes", "-c", ""], "is a variable unset?"),
        (["add", "", "--yes"], "is a variable unset?"),
        (["status", ""], "is a variable unset?"),
        (["show", ""], "is a variable unset?"),
        (["run", "--once", ""], "is a variable unset?"),
        (["retry"], "Say which files"),
        (["retry", "5", "--all"], "Say which files"),
        (["run", "--timeout", "5s"], "--until and --timeout belong to --once"),
    ],
)
def test_wrong_usage_is_one_line_with_exit_code_2(home, argv, sentence):
    home.journal()
    said = home.run(*argv)
    assert said.code == 2
    assert said.out == ""
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_every_problem_of_a_configuration_is_told_at_once(home):
    home.write("folders: [/srv/a]\nuplaod: {}\nupload: {per_minute: many}")
    said = home.run("status")
    assert said.code == 2
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"{home.config}:3:", f"{home.config}:4:"]
    assert "Traceback" not in said.err


def test_a_configuration_that_is_not_there_is_named(home):
    said = home.bare("status", "-c", home.place / "none.yaml")
    assert said.code == 2
    assert "none.yaml: there is no such file" in said.err


def test_no_journal_yet_is_exit_code_4_with_the_remedy(home):
    said = home.run("status")
    assert said.code == 4
    assert said.err == (
        f"ingestd: There is no journal in {home.state_dir} yet: start the daemon with: "
        "ingestd run (as a service: sudo systemctl start ingestd)\n"
    )


def test_without_any_configuration_the_missing_journal_says_so_too(home):
    said = home.bare("status")
    assert said.code == 4
    assert "No configuration file was found: name yours with -c FILE" in said.err


def test_a_bug_is_one_sentence_and_a_traceback_only_on_request(home, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    home.journal()
    monkeypatch.setattr("ingestd.cli.status.make_report", broken)
    said = home.run("status")
    assert said.code == 1
    assert said.err.startswith("ingestd: unexpected error (RuntimeError: boom).")
    assert "Traceback" not in said.err
    assert "Traceback" in home.run("status", "--debug").err


def test_a_system_error_names_the_file(home):
    home.journal()
    os.truncate(home.state_dir / "journal.db", 0)
    said = home.run("list")
    assert said.code == 4
    assert "Traceback" not in said.err


def test_a_reader_that_leaves_early_is_no_trouble(home):
    home.journal(*(a_row(f"/srv/{n:05}.mp4") for n in range(3000)))
    listing = start("-c", home.config, "list", "--json")
    listing.stdout.read(10)
    listing.stdout.close()
    assert listing.stderr.read() == ""
    listing.stderr.close()
    assert listing.wait(20) == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_to_nowhere(home, closed):
    home.journal(a_row())
    line = f'"$0" -m ingestd -c "$1" list {closed}'
    shell = ["/bin/sh", "-c", line, sys.executable, str(home.config)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_is_the_command(home):
    home.journal(a_row())
    said = finish(start("list", INGESTD_CONFIG=str(home.config)))
    assert said.code == 0
    assert said.out.endswith("/srv/a.mp4\n")
