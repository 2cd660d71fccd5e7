"""The manual page, the short helps, shell completion: written from the commands themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingestd.cli import manual
from ingestd.cli.main import run_cli
from test_cli_kit import clean_environment

ROOT = Path(__file__).parent.parent


def test_the_manual_page_is_up_to_date():
    assert (ROOT / "docs/ingestd.1").read_text() == manual.manual(), "run: make man"


def test_the_short_helps_are_up_to_date():
    assert (ROOT / "ingestd/cli/short_helps.py").read_text() == manual.short_helps(), (
        "run: make man"
    )


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_read_without_a_complaint():
    page = str(ROOT / "docs/ingestd.1")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "ingestd health" in done.stdout


def test_a_line_of_text_is_never_taken_for_a_command_of_the_page():
    assert list(manual._lines(".mp4 and\n'quoted'\nC:\\x -n")) == [
        r"\&.mp4 and",
        r"\&'quoted'",
        r"C:\ex \-n",
    ]


def test_the_help_imports_no_command():
    script = (
        "import sys\nfrom ingestd.cli.main import run_cli\nrun_cli(['--help'])\n"
        "print(sorted(name for name in sys.modules if name in "
        "('httpx', 'rich', 'pydantic', 'yaml', 'ingestd.cli.run', 'ingestd.cli.check')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef ingestd"), ("fish", "complete ")]
)
def test_the_script_of_each_shell_is_printed(capsys, shell, mark):
    assert run_cli(["completion", shell]) == 0
    assert mark in capsys.readouterr().out


def test_other_shells_are_refused(capsys):
    assert run_cli(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "found"), [("ingestd sta", "status"), ("ingestd list --sta", "--state")]
)
def test_a_shell_is_told_what_may_follow(line, found):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "ingestd"],
        env=clean_environment() | words | {"_INGESTD_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"plain,{found}" in done.stdout.split(os.linesep)
