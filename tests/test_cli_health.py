"""`health`: a code, a sentence, metrics; also of a daemon that hangs."""

from __future__ import annotations

import os
import re
import signal
import stat
import time

import pytest

from ingestd.cli import health_report
from ingestd.control import Lock
from ingestd.daemon.telling.pulse import Pulse
from ingestd.journal import Journal
from ingestd.model import Gate, GateName, Reason, State
from test_cli_kit import Home, a_daemon, a_row, finish, start

PULSE = {"pid": 812, "since": 1_700_000_000.0, "stuck_for": 0.0}


@pytest.fixture
def home(tmp_path, capsys):
    return Home(tmp_path, capsys)


def close_gate(home, age):
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        since = time.time() - age
        journal.save_gate(Gate(GateName.CREDITS, since, None, "Credits used up. Buy some."))


def test_a_daemon_with_nothing_to_complain_of_is_fine(home):
    home.journal(a_row("/srv/a.mp4"), a_row("/srv/b.mp4", State.REJECTED, reason=Reason.CODEC))
    close_gate(home, 60)
    with a_daemon(home.state_dir, answers={"pulse": PULSE}):
        said = home.run("health")
    assert said.code == 0
    waits = r"uploads wait \(credits\): see ingestd status"
    assert re.fullmatch(rf"Running since .*, 1 file in line, {waits}\.\n", said.out)


def test_what_needs_a_person_is_one_line(home):
    home.journal(
        a_row("/srv/a.mp4", State.HELD, reason=Reason.SURGE),
        a_row("/srv/b.mp4", State.FAILED, reason=Reason.INDEXING_FAILED),
    )
    close_gate(home, 1000)
    folder = {"name": "nas", "state": "missing", "detail": "//nas/video is not mounted."}
    with a_daemon(
        home.state_dir, answers={"pulse": PULSE, "snapshot": {"pid": 812, "folders": [folder]}}
    ):
        said = home.run("health")
        as_json = home.run("health", "--json")
    assert said.code == as_json.code == 1
    assert said.out == (
        "Credits used up. Buy some; Folder nas is missing: //nas/video is not mounted; "
        "1 file waits for a person (1 surge). Look: ingestd list --state held; "
        "1 file did not become searchable (1 indexing_failed). Look: ingestd list --state failed.\n"
    )
    assert as_json.json["status"] == "attention"
    assert as_json.json["code"] == 1
    kinds = [one["kind"] for one in as_json.json["troubles"]]
    assert kinds == ["gate.credits", "folder", "held", "failed"]
    assert as_json.json["troubles"][2]["about"] == {"surge": 1}


@pytest.mark.parametrize("made", [False, True])
def test_no_daemon_is_3_with_the_remedy(home, made):
    if made:
        home.journal(a_row(state=State.HELD))
    said = home.run("health")
    assert said.code == 3
    assert said.out.startswith("Not running: no ingestd holds ")
    assert home.run("health", "--json").json["daemon"]["running"] is False


def test_a_loop_that_hangs_is_3(home):
    home.journal()
    with a_daemon(home.state_dir, answers={"pulse": {**PULSE, "stuck_for": 190.0}}):
        said = home.run("health")
    assert said.code == 3
    assert said.out.startswith("Stuck: process 812 has not moved for 3 min.")


def test_a_worker_that_hangs_is_3(home):
    home.journal()
    pulse = {**PULSE, "stuck_worker": "A question to memories.ai does not end."}
    with a_daemon(home.state_dir, answers={"pulse": pulse}):
        said = home.run("health")
    assert said.code == 3
    assert said.out.startswith("Stuck: A question to memories.ai does not end. Nothing is lost.")


def test_a_loop_that_is_busy_is_not_stuck(home):
    home.journal()
    with a_daemon(home.state_dir, answers={"pulse": {**PULSE, "stuck_for": 9.0}}):
        assert home.run("health").code == 0


def test_a_daemon_that_is_still_opening_its_journal_says_so(home):
    home.journal()
    lock = Lock(home.state_dir, time.time() - 12)
    said = home.run("health")
    lock.release()
    assert said.code == 3
    assert "has not opened its journal yet, after 12 s." in said.out


def test_a_process_that_is_stopped_does_not_hang_the_answer(home):
    home.write(f"folders: [{home.drop}]\napi: {{base_url: 'http://127.0.0.1:9/serve/api/v1'}}")
    process = start("-c", home.config, "run", INGESTD_API_KEY="sk-mavi-0123456789")
    try:
        end = time.monotonic() + 30
        while home.run("health").code != 0:
            assert time.monotonic() < end, "it never became healthy"
            time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        said = home.run("health")
        assert said.code == 3
        assert said.out.startswith(f"Stuck: process {process.pid} holds ")
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        assert finish(process).code == 0
    assert home.run("health").out.startswith("Not running")


def test_metrics_have_names_help_and_types(home):
    home.journal(a_row(), a_row('/srv/"b.mp4', State.HELD, reason=Reason.SURGE, folder='a"\\b'))
    close_gate(home, 1000)
    folder = {"name": "nas", "state": "missing", "last_scan_at": 5.5}
    answers = {"pulse": PULSE, "snapshot": {"pid": 812, "folders": [folder]}}
    with a_daemon(home.state_dir, answers=answers):
        said = home.run("health", "--prometheus")
    assert said.code == 0
    lines = said.out.splitlines()
    for wanted in (
        "# TYPE ingestd_files gauge",
        "ingestd_up 1",
        "ingestd_health_status 1",
        'ingestd_gate_closed{gate="credits"} 1',
        'ingestd_gate_closed{gate="auth"} 0',
        'ingestd_files{folder="drop",state="queued"} 1',
        r'ingestd_files{folder="a\"\\b",state="held"} 1',
        'ingestd_files_by_reason{state="held",reason="surge"} 1',
        'ingestd_folder_ok{folder="nas"} 0',
        'ingestd_folder_last_scan_timestamp_seconds{folder="nas"} 5.5',
        'ingestd_troubles{kind="gate.credits"} 1',
        "# TYPE ingestd_uploads_total counter",
        "ingestd_queue_bytes 1000",
    ):
        assert wanted in lines, wanted
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {re.split(r"[{ ]", line)[0] for line in lines if line[0] != "#"} <= named
    assert [line for line in lines if line.startswith("# HELP")] == [
        line for line in lines if line.startswith("# HELP") and line.endswith(".")
    ]


def test_metrics_of_a_daemon_that_is_down_keep_the_counts(home, tmp_path):
    home.journal(a_row())
    target = tmp_path / "ingestd.prom"
    said = home.run("health", "--prometheus", "--output", target)
    assert (said.code, said.out) == (0, "")
    text = target.read_text()
    assert "ingestd_up 0\n" in text
    assert "ingestd_health_status 3\n" in text
    assert 'ingestd_files{folder="drop",state="queued"} 1\n' in text
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.glob(".ingestd*")] == []


def test_a_file_that_cannot_be_written_is_said(home, tmp_path):
    said = home.run("health", "--prometheus", "-o", tmp_path / "none" / "x.prom")
    assert said.code == 2
    assert "cannot be written (No such file or directory). Name a file" in said.err
    assert home.run("health", "-o", "x").code == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_root_reads_as_the_owner_and_writes_as_root(home, tmp_path, monkeypatch):
    home.journal(a_row())
    for path in (home.state_dir, *home.state_dir.iterdir()):
        os.chown(path, 65534, 65534)
    for path in (home.place, *home.place.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o005)
    seen = []
    monkeypatch.setattr(health_report, "_silent", _spy(health_report._silent, seen))
    target = tmp_path / "ingestd.prom"
    assert home.run("health", "--prometheus", "-o", target).code == 0
    assert seen == [65534]
    assert target.stat().st_uid == 0
    assert {path.stat().st_uid for path in home.state_dir.iterdir()} == {65534}


def _spy(inner, seen):
    def spied(*args):
        seen.append(os.geteuid())
        return inner(*args)

    return spied


def test_the_pulse_tells_a_sleeping_loop_from_one_that_hangs():
    pulse = Pulse(100.0)
    assert pulse.stuck_for(103.0) == 3.0
    pulse.asleep(None)
    assert pulse.stuck_for(1e6) == 0.0
    pulse.asleep(160.0)
    assert pulse.stuck_for(150.0) == 0.0
    assert pulse.stuck_for(161.5) == 1.5
    pulse.awake(170.0)
    assert pulse.stuck_for(171.0) == 1.0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_stranger_is_not_told_that_nothing_runs(home):
    home.journal(a_row())
    with a_daemon(home.state_dir, answers={"pulse": PULSE}):
        for path in (home.place, *home.place.parents[:-2]):
            path.chmod(path.stat().st_mode | 0o055)
        home.config.chmod(0o644)
        os.seteuid(65534)
        try:
            said = home.run("health")
        finally:
            os.seteuid(0)
    assert said.code == 4
    assert "is not this user's to look into: run this as root" in said.err
