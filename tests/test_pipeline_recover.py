"""`recover` and `audit` with the installed command: nothing that was paid is paid again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import httpx
import pytest

from ingestd.mirror import read
from ingestd.sim import Sim, SimSettings
from test_pipeline import COMMAND, KEY, Site


@pytest.fixture
def site(tmp_path):
    with Sim(SimSettings(profile="recorded2025", parse_seconds=0.2)) as sim:
        yield Site(tmp_path, sim)


@pytest.fixture
def hashed_site(tmp_path):
    """The far side stores names as hashes: nothing there can be told by its name."""
    with Sim(SimSettings(profile="docs2026", parse_seconds=0.2)) as sim:
        yield Site(tmp_path, sim)


def paid(site: Site, *names: str) -> None:
    for name in names:
        site.put(name)
    assert site.once() == 0


def journal_files(site: Site):
    return list((site.path / "state").glob("journal.db*"))


def states(site: Site) -> list[str]:
    return [row["state"] for row in site.rows()]


def test_a_lost_journal_is_rebuilt_from_the_mirror(site):
    site.configure()
    paid(site, "a.mp4", "b.mp4")
    before = {row["path"]: row["video_no"] for row in site.rows()}
    for one in journal_files(site):
        one.unlink()
    assert site.once() == 5, "nothing is sent before a person has looked"
    for one in journal_files(site):
        one.unlink()
    dry = site.command("recover", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "does not know 2 videos from the mirror, 0 at memories.ai" in dry.stdout
    assert journal_files(site) == []
    done = site.command("recover")
    assert done.returncode == 0, "it spends nothing: without a terminal nobody needs to be asked"
    assert "2 restored" in done.stdout
    assert site.once() == 0
    assert {row["path"]: row["video_no"] for row in site.rows()} == before
    assert states(site) == ["parsed", "parsed"]
    assert site.accepted() == 2
    copy = site.drop / "copy.mp4"
    shutil.copy(site.drop / "a.mp4", copy)
    assert site.once() == 0
    assert states(site) == ["parsed", "parsed", "duplicate"]
    assert site.accepted() == 2
    assert site.command("audit").returncode == 0


def test_what_only_memories_ai_knows_is_recognised_by_its_file(site):
    site.configure()
    paid(site, "a.mp4", "b.mp4")
    shutil.rmtree(site.path / "state")
    done = site.command("recover", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["from_mirror"], told["at_memories_ai"], told["restored"]) == (0, 2, 2)
    assert site.once() == 0
    assert site.accepted() == 2
    assert sorted(states(site)) == ["parsed", "parsed"]
    assert site.command("audit").returncode == 0


def test_a_restored_backup_goes_through_recover(site):
    site.configure()
    paid(site, "a.mp4")
    shutil.copy(site.path / "state/journal.db", site.path / "backup.db")
    paid(site, "b.mp4", "c.mp4")
    for one in journal_files(site):
        one.unlink()
    shutil.copy(site.path / "backup.db", site.path / "state/journal.db")
    assert site.once() == 5
    gates = json.loads(site.command("status", "--json").stdout)["gates"]
    assert [gate["name"] for gate in gates] == ["journal"]
    assert "ingestd recover" in gates[0]["detail"]
    assert site.accepted() == 3
    done = site.command("recover", "--yes")
    assert "2 videos from the mirror" in done.stdout, done.stderr
    assert site.once() == 0
    assert states(site) == ["parsed"] * 3
    assert site.accepted() == 3
    assert json.loads(site.command("status", "--json").stdout)["gates"] == []


def test_a_snapshot_of_the_whole_state_goes_through_recover(site):
    """Journal and mirror are both old: memories.ai alone knows better."""
    site.configure()
    paid(site, "a.mp4")
    shutil.copytree(site.path / "state", site.path / "snapshot")
    paid(site, "b.mp4")
    shutil.rmtree(site.path / "state")
    shutil.copytree(site.path / "snapshot", site.path / "state")
    assert site.once() == 5
    assert site.accepted() == 2
    done = site.command("recover", "--yes")
    assert "0 videos from the mirror, 1 at memories.ai" in done.stdout, done.stderr
    assert site.once() == 0
    assert site.accepted() == 2
    assert states(site) == ["parsed", "parsed"]


def test_a_damaged_journal_is_kept_aside(site):
    site.configure()
    paid(site, "a.mp4")
    (site.path / "state/journal.db").write_bytes(b"rubbish " * 1000)
    refused = site.command("run", "--once")
    assert refused.returncode == 4
    assert "ingestd recover" in refused.stderr
    done = site.command("recover", "--yes")
    assert done.returncode == 0, done.stderr
    (aside,) = (site.path / "state").glob("journal-damaged-*.db")
    assert str(aside) in done.stdout
    assert aside.read_bytes().startswith(b"rubbish")
    assert site.once() == 0
    assert site.accepted() == 1


def test_it_wants_the_daemon_stopped_and_a_key_unless_the_mirror_is_enough(site):
    site.configure()
    paid(site, "a.mp4")
    environ = {**os.environ, "INGESTD_API_KEY": KEY}
    daemon = subprocess.Popen([*COMMAND, "run", "-c", str(site.path / "c.yaml")], env=environ)
    try:
        end = time.monotonic() + 20
        while not (site.path / "state/control.sock").exists() and time.monotonic() < end:
            time.sleep(0.05)
        refused = site.command("recover", "--yes")
        assert refused.returncode == 3
        assert "Stop it first" in refused.stderr
        assert site.command("audit").returncode == 0
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
    assert site.command("recover", "--yes", key=None).returncode == 2
    assert site.command("recover", "--yes", "--mirror-only", key=None).returncode == 0


def test_the_key_of_another_account_recovers_nothing(site):
    site.configure()
    paid(site, "a.mp4")
    for one in journal_files(site):
        one.unlink()
    with Sim(SimSettings()) as other:
        config = site.path / "c.yaml"
        config.write_text(config.read_text().replace(site.sim.url, other.url))
        refused = site.command("recover", "--yes")
    assert refused.returncode == 1
    assert "another account" in refused.stderr
    assert journal_files(site) == []


def test_audit_names_what_differs(site):
    site.configure()
    paid(site, "a.mp4", "b.mp4")
    first, second = sorted(site.rows(), key=lambda row: row["path"])
    key = {"Authorization": KEY}
    answer = httpx.post(
        f"{site.sim.url}/delete_videos", json=[first["video_no"]], headers=key, timeout=10
    )
    assert answer.json()["code"] == "0000"
    for name in (second["upload_name"], "stranger~0badcafe.mp4", "theirs.mp4"):
        with (site.drop / "b.mp4").open("rb") as file:
            sent = httpx.post(
                f"{site.sim.url}/upload",
                files={"file": (name, file, "video/mp4")},
                headers=key,
                timeout=10,
            )
        assert sent.json()["code"] == "0000"
    done = site.command("audit", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert [one["video_no"] for one in told["only_here"]] == [first["video_no"]]
    assert {one["name"].partition("~")[0] for one in told["only_there"]} == {"b", "stranger"}
    (twice,) = told["twice"]
    assert second["video_no"] in [one["video_no"] for one in twice]
    everything = json.loads(site.command("audit", "--json", "--all").stdout)
    assert len(everything["only_there"]) == 3
    assert "There twice" in site.command("audit").stdout


def test_the_mirror_on_another_disk_survives_the_whole_state_directory(site):
    (site.path / "disk").mkdir()
    site.configure(more=f"mirror_dir: {site.path}/disk/ingestd")
    paid(site, "a.mp4")
    shutil.rmtree(site.path / "state")
    assert site.once() == 5
    shutil.rmtree(site.path / "state")
    assert site.command("recover", "--yes").returncode == 0
    assert site.once() == 0
    assert site.accepted() == 1
    assert len(list(read(site.path / "disk/ingestd/paid.log"))) == 2


def test_where_names_are_hashes_the_mirror_is_enough_and_what_cannot_be_told_is_said(hashed_site):
    site = hashed_site
    site.configure()
    paid(site, "a.mp4")
    for one in journal_files(site):
        one.unlink()
    done = site.command("recover", "--yes")
    assert "1 video from the mirror" in done.stdout, done.stderr
    assert site.once() == 0
    assert site.accepted() == 1
    shutil.rmtree(site.path / "state")
    done = site.command("recover", "--dry-run")
    assert "1 video there is not named as ours" in done.stdout, done.stderr
