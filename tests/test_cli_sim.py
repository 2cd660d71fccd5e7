"""`sim`: a stand-in as a process of its own, and the words that steer it."""

from __future__ import annotations

import json
import signal
import socket

import httpx
import pytest

from ingestd.cli.main import run_cli
from test_cli_kit import finish, start


@pytest.fixture(scope="module")
def sim():
    process = start("sim", "--port", "0", "--api-key", "sk-only", "--set", "seed=7")
    lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
    yield lines
    process.send_signal(signal.SIGINT)
    said = finish(process)
    assert (said.code, said.err) == (0, "")


@pytest.fixture
def origin(sim):
    return sim[0].removesuffix("/serve/api/v1")


def test_its_first_line_is_the_base_url_and_two_more_say_how_to_use_it(sim):
    url, configuration, key = sim
    assert httpx.get(f"{url}/get_metadata", params={"video_no": "VI1"}).json()["code"] == "0401"
    assert configuration == f'configuration:  api: {{base_url: "{url}"}}'
    assert key == "key:            export INGESTD_API_KEY=sk-only"


def test_faults_are_armed_in_order_and_cleared(origin, capsys):
    argv = ["sim", "fault", "drop", "accepted=true", "times=2", "no_credits", "--url", origin]
    assert run_cli(argv) == 0
    assert capsys.readouterr().out == "Armed: 2.\n"
    assert run_cli(["sim", "report", "--url", origin]) == 0
    armed = json.loads(capsys.readouterr().out)["faults"]
    assert [(one["kind"], one["left"]) for one in armed] == [("drop", 2), ("no_credits", 1)]
    assert run_cli(["sim", "fault", "--clear", "--url", origin]) == 0
    assert capsys.readouterr().out == "All faults are disarmed.\n"


def test_without_a_kind_the_kinds_are_listed(origin, capsys):
    assert run_cli(["sim", "fault", "--url", origin]) == 0
    assert "indexing fails" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [(["dorp"], 1, "The stand-in refuses: "), (["times=2"], 2, "belongs behind the KIND")],
)
def test_what_is_no_fault_is_refused(origin, capsys, words, code, sentence):
    assert run_cli(["sim", "fault", *words, "--url", origin]) == code
    assert sentence in capsys.readouterr().err


def test_no_stand_in_is_said(capsys):
    assert run_cli(["sim", "report", "--url", "http://127.0.0.1:9"]) == 1
    assert "Start one: ingestd sim" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--set", "sede=7"], "did you mean 'seed'?"),
        (["--set", "seed"], "'seed' is no NAME=VALUE"),
        (["--set", 'per_minute="many"'], "The stand-in does not take this: per_minute"),
    ],
)
def test_settings_that_are_none_are_refused(capsys, argv, sentence):
    assert run_cli(["sim", *argv]) == 2
    assert sentence in capsys.readouterr().err


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = finish(start("sim", "--port", taken.getsockname()[1]))
    assert said.code == 1
    assert "name another one with --port" in said.err
