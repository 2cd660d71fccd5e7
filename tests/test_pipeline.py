"""The whole way with real parts: the installed command, real files, the stand-in over sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestd import clips
from ingestd.sim import Sim, SimSettings

KEY = "sk-mavi-0123456789abcdef"
COMMAND = (sys.executable, "-m", "ingestd")
#: An upload whose answer got lost is looked for this quickly here.
HASTE = "{poll_min: 0.1s, poll_max: 0.3s, confirm_for: 1s}"


@dataclass
class Site:
    """A state directory, a watched folder and a far side."""

    path: Path
    sim: Sim

    @property
    def drop(self) -> Path:
        return self.path / "drop"

    def put(self, name: str, *, salt: bytes = b"1") -> Path:
        clip = next(one for one in clips.names() if one.endswith(Path(name).suffix))
        target = self.drop / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(clips.unique(clip, salt + name.encode()))
        return target

    def configure(self, *, upload: str = "per_minute: 0", folder: str = "", more: str = "") -> None:
        self.drop.mkdir(exist_ok=True)
        (self.path / "c.yaml").write_text(
            f"""
state_dir: {self.path}/state
api: {{base_url: "{self.sim.url}", reads_per_second: 0}}
folders: [{{path: {self.drop}, settle: 0.1s{folder}}}]
upload: {{{upload}, retry_min: 0.1s}}
indexing: {HASTE}
{more}
"""
        )

    def command(self, *args: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if "INGESTD" not in name}
        if key:
            environ["INGESTD_API_KEY"] = key
        return subprocess.run(
            [*COMMAND, *args, "-c", str(self.path / "c.yaml")],
            env=environ,
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def once(self, *args: str) -> int:
        done = self.command("run", "--once", "--timeout", "40s", *args)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def rows(self) -> list[dict]:
        return json.loads(self.command("list", "--json").stdout)

    def accepted(self) -> int:
        return self.sim.report()["uploads"]["accepted"]


@pytest.fixture(params=["recorded2025", "docs2026"])
def any_site(request, tmp_path):
    with Sim(SimSettings(profile=request.param, parse_seconds=0.2)) as sim:
        yield Site(tmp_path, sim)


@pytest.fixture
def site(tmp_path):
    with Sim(SimSettings(profile="recorded2025", parse_seconds=0.2)) as sim:
        yield Site(tmp_path, sim)


def test_every_kind_of_clip_becomes_searchable_and_a_second_pass_sends_nothing(any_site):
    site = any_site
    site.configure(folder=", fields: {tags: ['{top}', b], unique_id: trip, camera_model: X1}")
    for clip in clips.names():
        site.put(f"CARD1/{Path(clip).stem}{Path(clip).suffix}")
    assert site.once() == 0
    rows = site.rows()
    assert {row["state"] for row in rows} == {"parsed"}
    assert len(rows) == len(clips.names()) == site.accepted()
    videos = {video["file_name"]: video for video in site.sim.report()["videos"]}
    for row in rows:
        video = videos[row["upload_name"]]
        assert video["content_hash"] == row["content_hash"]
        assert video["size"] == row["size"] == Path(row["path"]).stat().st_size
        assert video["video_no"] == row["video_no"]
        assert video["unique_id"] == "trip"
        assert video["tags"] == ["CARD1", "b", "api"]
        assert f"~{row['fingerprint'][:8]}" in row["upload_name"]
    assert {video["content_type"] for video in videos.values()} == {
        "video/mp4",
        "video/quicktime",
        "video/x-matroska",
        "video/x-msvideo",
    }
    assert site.once() == 0
    assert site.accepted() == len(clips.names())


def test_what_is_not_acceptable_costs_nothing_and_says_why(site):
    site.configure()
    site.drop.mkdir(exist_ok=True)
    name, content = clips.bad()
    (site.drop / name).write_bytes(content)
    (site.drop / "a.mxf").write_bytes(b"x")
    (site.drop / "text.mp4").write_text("this is no video " * 100)
    (site.drop / "note.xml").write_text("<x/>")
    os.mkfifo(site.drop / "pipe.mp4")
    cut = site.put("cut.mp4")
    cut.write_bytes(cut.read_bytes()[:1500])
    assert site.once() == 1
    reasons = {Path(row["path"]).name: row["reason"] for row in site.rows()}
    assert reasons == {
        name: "codec",
        "a.mxf": "extension",
        "text.mp4": "mime",
        "pipe.mp4": "not_regular",
    }
    assert site.accepted() == 0
    assert site.sim.report()["requests"].get("upload", 0) == 0


@pytest.mark.parametrize(
    ("fault", "details"),
    [
        ("rate_limit", {"times": 2}),
        ("http_429", {"times": 1, "retry_after": "1"}),
        ("early_answer", {"times": 1, "status": 429, "after_bytes": 100, "then": "read_on"}),
        ("cut_body", {"times": 1, "after_bytes": 500}),
        ("null_metadata", {"times": 3, "endpoint": "get_metadata"}),
        ("type_drift", {"times": None}),
        ("short_code", {"times": None}),
        ("large_answer", {"times": None, "size": 100_000}),
        ("http_error", {"times": 1, "endpoint": "list_videos", "status": 503}),
    ],
)
def test_a_trouble_that_passes_delays_a_file_and_sends_it_once(site, fault, details):
    site.configure()
    site.put("a.mp4")
    site.sim.set_fault(fault, **details)
    assert site.once() == 0
    (row,) = site.rows()
    assert (row["state"], site.accepted()) == ("parsed", 1)
    assert len([send for send in row["sends"] if send["outcome"] == "accepted"]) == 1


@pytest.mark.parametrize(
    ("fault", "details"),
    [
        ("drop", {}),
        ("truncated_json", {}),
        ("cut_answer", {}),
        ("html", {}),
        ("no_video_no", {}),
        ("http_error", {"status": 500}),
        ("http_error", {"status": 502}),
        ("http_error", {"status": 504}),
        ("network_abnormal", {}),
    ],
)
def test_a_lost_answer_is_found_again_and_never_paid_twice(site, fault, details):
    site.configure()
    site.put("a.mp4")
    site.sim.set_fault(fault, accepted=True, endpoint="upload", **details)
    assert site.once() == 0
    (row,) = site.rows()
    assert (row["state"], site.accepted()) == ("parsed", 1)
    assert [send["outcome"] for send in row["sends"]] == ["found"]


def test_an_upload_that_did_not_arrive_is_sent_again_after_looking(site):
    site.configure()
    site.put("first.mp4")
    assert site.once() == 0  # shows that this far side lists names as they were sent
    site.put("second.mp4")
    site.sim.set_fault("drop", accepted=False, endpoint="upload")
    assert site.once() == 0
    row = site.rows()[1]
    assert [send["outcome"] for send in row["sends"]] == ["not_found", "accepted"]
    assert site.accepted() == 2
    assert site.sim.report()["accepted_more_than_once"] == []


def test_where_names_come_back_as_hashes_a_lost_upload_is_held_not_sent_again(tmp_path):
    with Sim(SimSettings(profile="docs2026", parse_seconds=0.2)) as sim:
        site = Site(tmp_path, sim)
        site.configure()
        site.put("a.mp4")
        sim.set_fault("drop", accepted=True, endpoint="upload")
        assert site.once() == 1
        (row,) = site.rows()
        assert (row["state"], row["reason"], site.accepted()) == ("held", "unconfirmed", 1)


@pytest.mark.parametrize(
    ("fault", "gate"), [("no_credits", "credits"), ("bad_key", "auth"), ("disabled", "disabled")]
)
def test_a_trouble_only_a_person_can_mend_stops_a_pass_with_5_and_loses_nothing(site, fault, gate):
    site.configure()
    site.put("a.mp4")
    site.sim.set_fault(fault, times=None, endpoint="upload")
    assert site.once() == 5
    status = json.loads(site.command("status", "--json").stdout)
    assert [one["name"] for one in status["gates"]] == [gate]
    assert [(row["state"], row["attempts"]) for row in site.rows()] == [("queued", 0)]
    site.sim.clear_faults()
    assert site.command("resume").returncode == 0
    assert site.once() == 0
    assert site.accepted() == 1


def test_a_body_that_is_refused_for_good_fails_and_is_not_sent_again(site):
    site.configure()
    site.put("a.mp4")
    site.sim.set_fault("http_error", status=413, endpoint="upload", times=None)
    assert site.once() == 1
    assert [(row["state"], row["reason"]) for row in site.rows()] == [("failed", "refused")]
    before = site.sim.report()["requests"]["upload"]
    assert site.once() == 0  # nothing of this pass ended badly: it is known
    assert site.sim.report()["requests"]["upload"] == before


def test_what_cannot_be_indexed_is_failed_billed_and_never_sent_again(site):
    site.configure()
    site.put("a.mp4")
    site.sim.set_fault("fail")
    assert site.once() == 1
    (row,) = site.rows()
    assert (row["state"], row["reason"]) == ("failed", "indexing_failed")
    assert "billed" in row["detail"]
    assert site.once() == 0
    assert site.accepted() == 1


def test_a_far_side_that_is_absent_at_the_start_is_waited_for(site):
    site.configure()
    site.put("a.mp4")
    site.sim.stop()
    assert site.command("run", "--once", "--timeout", "2s").returncode == 5
    status = json.loads(site.command("status", "--json").stdout)
    assert [one["name"] for one in status["gates"]] == ["unreachable"]
    site.sim.start()
    assert site.once() == 0
    assert [(row["state"], row["attempts"]) for row in site.rows()] == [("parsed", 0)]


def test_a_copy_is_a_duplicate_proven_byte_for_byte(site):
    site.configure()
    original = site.put("a.mp4")
    (site.drop / "b.mp4").write_bytes(original.read_bytes())
    assert site.once() == 0
    assert sorted(row["state"] for row in site.rows()) == ["duplicate", "parsed"]
    assert site.accepted() == 1


def test_odd_names_go_the_whole_way(site):
    site.configure()
    names = [b"new\nline.mp4", b"\xff\xfe.mp4", "😀 ünïcode;\"'.mp4".encode(), b"UPPER.MP4"]
    site.drop.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        content = clips.unique("pattern-h264.mp4", str(number).encode())
        (site.drop / os.fsdecode(name)).write_bytes(content)
    assert site.once() == 0
    rows = site.rows()
    assert {row["state"] for row in rows} == {"parsed"}
    assert {os.fsencode(Path(row["path"]).name) for row in rows} == set(names)
    for row in rows:
        assert ("path_b64" in row) == (b"\xff" in os.fsencode(row["path"]))


def test_the_key_appears_nowhere(site):
    site.configure(more="log: {level: debug, format: json}")
    site.put("a.mp4")
    done = site.command("run", "--once", "--timeout", "40s")
    assert done.returncode == 0
    shown = done.stdout + done.stderr
    for line in done.stderr.splitlines():
        assert json.loads(line)["event"]
    for path in (site.path / "state").iterdir():
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("folders: []", "folders"),
        ("folders: [/x]\nuplod: {}", "Did you mean upload"),
        ("folders: [/x]\nupload: {per_minute: fast}", "per_minute"),
        ("folders: [/x\n", "c.yaml"),
    ],
)
def test_a_broken_configuration_ends_with_2_and_one_clear_message(tmp_path, text, said):
    (tmp_path / "c.yaml").write_text(text)
    done = subprocess.run(
        [*COMMAND, "-c", str(tmp_path / "c.yaml"), "run"],
        env={**os.environ, "INGESTD_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_missing_key_ends_with_2_and_names_the_ways_to_give_it(site):
    site.configure()
    done = site.command("run", key=None)
    assert done.returncode == 2
    assert "INGESTD_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def daemon(site):
    site.configure(folder=", poll_interval: 0.5s")
    process = subprocess.Popen(
        [*COMMAND, "run", "-c", str(site.path / "c.yaml")],
        env={**os.environ, "INGESTD_API_KEY": KEY},
        stderr=subprocess.PIPE,
        text=True,
    )
    events = iter(process.stderr.readline, "")
    for line in events:
        if "daemon.started" in line:
            break
    yield site, process, events
    process.kill()
    process.wait()
    process.stderr.close()


def wait_for(events, name: str) -> str:
    return next(line for line in events if name in line)


def test_a_running_daemon_takes_what_arrives_and_ends_on_sigterm_with_true_rows(daemon):
    site, process, events = daemon
    site.put("a.mp4")
    wait_for(events, "index.parsed")
    moved = site.drop / "made" / "at once"
    moved.mkdir(parents=True)
    site.put("made/at once/b.mp4")
    wait_for(events, "index.parsed")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert [row["state"] for row in site.rows()] == ["parsed", "parsed"]


def test_commands_reach_a_running_daemon(daemon):
    site, _process, events = daemon
    assert site.command("pause").returncode == 0
    path = site.put("a.mp4")
    wait_for(events, "file.queued")
    status = json.loads(site.command("status", "--json").stdout)
    assert status["paused"] is True
    assert status["daemon"]["running"] is True
    assert site.accepted() == 0
    assert site.command("resume").returncode == 0
    assert site.command("wait", str(path), "--timeout", "30s").returncode == 0
    assert site.accepted() == 1


def test_a_reload_takes_folders_and_limits_and_refuses_what_is_wrong(daemon):
    site, process, events = daemon
    config = site.path / "c.yaml"
    second = site.path / "second"
    second.mkdir()
    text = config.read_text()
    config.write_text(text.replace("folders: [", f"folders: [{{path: {second}, settle: 0.1s}}, "))
    process.send_signal(signal.SIGHUP)
    assert "second" in wait_for(events, "config.reloaded")
    (second / "a.mp4").write_bytes(clips.unique("pattern-h264.mp4", b"second"))
    assert "second" in wait_for(events, "index.parsed")
    config.write_text(text.replace("per_minute", "per_minut"))
    process.send_signal(signal.SIGHUP)
    assert "per_minute" in wait_for(events, "config.refused")
    site.put("b.mp4")
    wait_for(events, "index.parsed")
    assert site.accepted() == 2


def test_a_second_daemon_on_the_same_state_ends_with_3(daemon):
    site, _process, _events = daemon
    done = site.command("run")
    assert done.returncode == 3
    assert "in use" in done.stderr


def test_a_killed_daemon_goes_on_and_sends_nothing_again(daemon):
    site, process, events = daemon
    site.put("a.mp4")
    wait_for(events, "upload.accepted")
    process.kill()
    process.wait()
    site.put("b.mp4")
    assert site.once() == 0
    assert [row["state"] for row in site.rows()] == ["parsed", "parsed"]
    assert site.accepted() == 2
