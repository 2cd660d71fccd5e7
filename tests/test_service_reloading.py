"""SIGHUP: a changed configuration is taken over and no upload dropped, a broken one refused."""

from __future__ import annotations

import signal
import sqlite3
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ingestd import clips
from ingestd.sim import Sim, SimSettings
from mount_kit import dead_share
from service_kit import KEY, Service

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1_000_000
OTHER_KEY = "sk-mavi-fedcba98765wxyz"


@pytest.fixture
def sim():
    with Sim(SimSettings(profile="recorded2025", parse_seconds=0.2)) as far:
        yield far


@pytest.fixture
def service(tmp_path: Path, sim: Sim):
    with Service(tmp_path, sim) as one:
        yield one


def reload(service: Service) -> str:
    """Reload; what the service manager was told when it was over."""
    service.signal(signal.SIGHUP)
    begun = service.hear("RELOADING=1")
    assert "MONOTONIC_USEC=" in begun
    return service.hear("READY=1")


def folder(path: Path, more: str = "") -> str:
    path.mkdir(exist_ok=True)
    return f"{{path: {path}, settle: 0.1s, poll_interval: 0.3s{more}}}"


def put(folder: Path, name: str) -> None:
    (folder / name).write_bytes(clips.unique("pattern-h264.mp4", name.encode()))


def test_an_upload_under_way_goes_on_while_its_folder_and_its_limits_change(
    service: Service, tmp_path: Path
):
    second = tmp_path / "second"
    service.configure(upload="bandwidth: 300kB/s")
    content = clips.unique("pattern-h264.mp4", b"a") + struct.pack(">I4s", 8 + MEGABYTE, b"free")
    (service.drop / "a.mp4").write_bytes(content + bytes(MEGABYTE))
    service.start()
    service.until(lambda: any(up["sent"] for up in service.status()["uploads"]), "a body")
    service.configure(f"[{folder(second)}]", upload="bandwidth: unlimited, concurrency: 4")
    reload(service)
    put(second, "b.mp4")
    service.logged("index.parsed", 2)
    assert [len(row["sends"]) for row in service.rows()] == [1, 1]
    assert service.sim.report()["uploads"]["accepted"] == 2
    assert [one["name"] for one in service.status()["folders"] if one["configured"]] == ["second"]


def test_a_folder_that_is_gone_from_the_configuration_is_not_watched_any_more(
    service: Service, tmp_path: Path
):
    second = tmp_path / "second"
    service.configure(f"[{folder(service.drop)}, {folder(second)}]")
    service.start()
    service.configure(f"[{folder(second)}]")
    reload(service)
    put(service.drop, "a.mp4")
    put(second, "b.mp4")
    service.logged("index.parsed")
    assert [row["folder"] for row in service.rows()] == ["second"]


def test_a_changed_folder_is_watched_as_it_says_now(service: Service):
    service.configure(f"[{folder(service.drop)}]")
    service.start()
    put(service.drop, "a.mp4")
    service.logged("index.parsed")
    service.configure(f"[{folder(service.drop, ', exclude: [b.mp4]')}]")
    reload(service)
    put(service.drop, "b.mp4")
    put(service.drop, "c.mp4")
    service.logged("index.parsed", 2)
    assert [row["path"][-5:] for row in service.rows()] == ["a.mp4", "c.mp4"]


@pytest.mark.parametrize("wrong", ["unknown key", "no yaml", "gone", "no key"])
def test_a_broken_configuration_is_refused_everywhere_until_it_is_mended(service: Service, wrong):
    service.configure()
    service.start()
    good = service.config.read_text()
    if wrong == "unknown key":
        service.config.write_text(good.replace("per_minute", "per_minut"))
    elif wrong == "no yaml":
        service.config.write_text(good + "\nfolders: [")
    elif wrong == "gone":
        service.config.unlink()
    else:
        service.key_file.write_text("")
    told = reload(service)
    assert "needs you: the changed configuration is refused" in told
    line = service.logged("config.refused")
    assert "The old one stays in force" in line
    service.config.write_text(good)  # for the commands; the daemon does not look
    status, screen = service.status(), service.ask("status").stdout
    refused = status["config_refused"]
    assert refused["at"].endswith("Z")
    said = {"unknown key": "per_minut", "no yaml": "c.yaml", "gone": "c.yaml", "no key": "empty"}
    assert said[wrong] in refused["detail"]
    assert "the changed configuration is refused" in screen
    assert refused["detail"].splitlines()[0] in screen
    service.put("a.mp4")  # the old one is in force
    service.logged("index.parsed")
    service.key_file.write_text(KEY)
    assert "refused" not in reload(service)
    assert service.status()["config_refused"] is None


def test_what_cannot_be_put_in_force_leaves_the_old_one_and_the_daemon_alone(service: Service):
    service.configure()
    service.start()
    service.key_file.write_text(OTHER_KEY)
    service.configure(upload="bandwidth: 1MB/s")
    with closing(sqlite3.connect(service.place / "state/journal.db", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")  # the change of the key cannot be written down
        assert "needs" in reload(service)
        held.execute("ROLLBACK")
    line = service.logged("config.refused")
    assert "locked by another process" in line
    assert "The old one stays in force" in line
    status = service.status()
    assert status["api"]["key_id"] == f"...{KEY[-4:]}"
    assert "could not be put in force" in status["config_refused"]["detail"]
    service.put("a.mp4")  # by the old one
    service.logged("index.parsed")
    assert "refused" not in reload(service)
    assert service.status()["api"]["key_id"] == "...wxyz"


def test_another_state_directory_is_refused(service: Service, tmp_path: Path):
    service.configure()
    service.start()
    service.config.write_text(service.config.read_text().replace("/state\n", "/other\n"))
    assert "refused" in reload(service)
    assert "state_dir cannot change while ingestd runs" in service.logged("config.refused")
    assert not (tmp_path / "other").exists()


def test_the_key_file_is_read_again_and_status_says_which_key_since_when(service: Service):
    service.configure()
    service.start()
    before = service.status()["api"]
    assert (before["key_id"], before["key_source"]) == (f"...{KEY[-4:]}", "api.key_file")
    service.key_file.write_text(OTHER_KEY)
    reload(service)
    after = service.status()["api"]
    assert after["key_id"] == "...wxyz"
    assert after["key_since"] > before["key_since"]
    assert "...wxyz from api.key_file, since" in service.ask("status").stdout
    reload(service)
    assert service.status()["api"]["key_since"] == after["key_since"]  # the same key all along
    assert OTHER_KEY not in "".join([*service.log, *service.told])


def test_a_credential_stays_as_it_was_and_the_reload_says_what_takes_another(
    service: Service, tmp_path: Path
):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "api-key").write_text(KEY)
    service.configure()
    service.start(CREDENTIALS_DIRECTORY=str(credentials))
    reload(service)
    assert "systemctl restart ingestd" in service.logged("config.reloaded")
    assert service.status()["api"]["key_source"] == "credential"


def test_another_log_level_is_in_force_at_once(service: Service):
    service.configure()
    service.start()
    service.configure(more="log: {level: warning}")
    reload(service)
    service.put("a.mp4")
    service.until(lambda: service.states() == ["parsed"], "the clip")
    assert not any("upload.accepted" in line for line in service.log)


def test_files_that_new_rules_would_take_are_named_and_nothing_happens_by_itself(service: Service):
    service.configure(more="validate: {max_size: 1kB}")
    service.put("a.mp4")
    service.put("b.mp4")
    service.start()
    service.logged("file.rejected", 2)
    service.configure(more="validate: {max_size: 1MB}")
    reload(service)
    said = service.logged("config.reloaded")
    assert "2 rejected files would be taken now: ingestd retry --reason too_large" in said
    assert service.states() == ["rejected", "rejected"]
    assert service.ask("retry", "--reason", "too_large", "--yes").returncode == 0
    service.logged("index.parsed", 2)
    reload(service)
    assert "would be taken" not in service.logged("config.reloaded", 2)


def test_a_folder_on_a_dead_share_holds_up_no_reload_and_no_status(
    service: Service, tmp_path: Path
):
    service.configure()
    service.start()
    with dead_share(tmp_path / "share") as share:
        service.configure(f"[{folder(service.drop)}, {{path: {share}}}]")
        reload(service)
        service.put("a.mp4")
        service.logged("index.parsed")
        assert [one["name"] for one in service.status()["folders"]] == ["drop", "share"]
        service.configure(f"[{folder(service.drop)}]")
        reload(service)
        service.put("b.mp4")
        service.logged("index.parsed", 2)
        service.stop(8.0)
