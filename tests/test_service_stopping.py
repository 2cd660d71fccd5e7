"""SIGTERM in every phase: the real process ends within the grace, with 0 and with true rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ingestd.sim import Sim, SimSettings
from mount_kit import dead_share
from service_kit import Service

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds that an end takes where nothing is under way; the machine may be busy.
AT_ONCE = 8.0
GRACE = 3.0
SOON = f"stop_grace: {GRACE}s"
MEGABYTE = 1_000_000


@pytest.fixture
def sim():
    with Sim(SimSettings(profile="recorded2025", parse_seconds=0.2)) as far:
        yield far


@pytest.fixture
def service(tmp_path: Path, sim: Sim):
    with Service(tmp_path, sim) as one:
        yield one


def test_while_a_file_settles(service: Service):
    service.configure(f"[{{path: {service.drop}, settle: 1h, poll_interval: 0.2s}}]")
    service.put("a.mp4")
    service.start()
    service.until(lambda: service.status()["counts"]["settling"] == 1, "settling")
    told = service.stop(AT_ONCE)
    assert "STOPPING=1" in told
    assert service.rows() == []


@pytest.fixture
def hung(tmp_path: Path):
    with dead_share(tmp_path / "share") as place:
        yield place


def test_while_a_hung_share_is_scanned_and_the_other_folder_is_served(service: Service, hung: Path):
    service.configure(
        f"[{{path: {service.drop}, settle: 0.1s, poll_interval: 0.2s}}, {{path: {hung}}}]"
    )
    service.put("a.mp4")
    service.start()  # is ready all the same
    service.logged("index.parsed")
    service.stop(AT_ONCE)
    assert service.states() == ["parsed"]


def test_while_a_body_goes_out_that_cannot_finish(service: Service):
    service.configure(upload="bandwidth: 100kB/s", more="stop_grace: 10s")
    service.put("a.mp4", 20 * MEGABYTE)
    service.start()
    service.until(lambda: any(up["sent"] for up in service.status()["uploads"]), "a body")
    service.stop(AT_ONCE)
    (row,) = service.rows()
    assert (row["state"], row["attempts"]) == ("queued", 0)
    assert service.sim.report()["uploads"]["accepted"] == 0
    service.configure()
    service.start()
    service.logged("index.parsed")
    assert service.sim.report()["uploads"]["accepted"] == 1


def test_while_a_body_goes_out_that_can_finish_and_more_time_is_asked_for(service: Service):
    service.configure(upload="bandwidth: 1MB/s", more="stop_grace: 60s")
    service.put("a.mp4", 5 * MEGABYTE)
    service.start()
    service.until(lambda: any(up["sent"] for up in service.status()["uploads"]), "a body")
    told = service.stop(30.0)
    assert "Stopping: 1 upload may end within the grace" in told
    assert "EXTEND_TIMEOUT_USEC=" in told
    (row,) = service.rows()
    assert row["state"] in ("indexing", "parsed")
    assert service.sim.report()["uploads"]["accepted"] == 1


def test_while_an_answer_is_awaited(service: Service, sim: Sim):
    service.configure(more=SOON)
    sim.set_fault("hang", accepted=True, endpoint="upload")
    service.put("a.mp4")
    service.start()
    service.until(
        lambda: [up["phase"] for up in service.status()["uploads"]] == ["awaiting_answer"],
        "the wait for an answer",
    )
    began = time.monotonic()
    service.stop(GRACE + AT_ONCE)
    assert time.monotonic() - began >= GRACE - 0.5  # it had the whole grace for its answer
    (row,) = service.rows()
    assert (row["state"], [send["outcome"] for send in row["sends"]]) == ("confirming", ["unknown"])
    sim.clear_faults()
    service.start()
    service.logged("index.parsed")
    assert sim.report()["uploads"]["accepted"] == 1


def test_a_second_signal_ends_it_at_once(service: Service, sim: Sim):
    service.configure(more="stop_grace: 1h")
    sim.set_fault("hang", accepted=True, endpoint="upload")
    service.put("a.mp4")
    service.start()
    service.until(
        lambda: [up["phase"] for up in service.status()["uploads"]] == ["awaiting_answer"],
        "the wait for an answer",
    )
    service.stop(AT_ONCE, times=2)
    assert service.states() == ["confirming"]


def test_while_a_lost_upload_is_looked_for(service: Service, sim: Sim):
    service.configure()
    sim.set_fault("drop", accepted=False, endpoint="upload", times=None)
    service.put("a.mp4")
    service.start()
    service.logged("upload.unknown")
    sim.set_fault("slow", endpoint="list_videos", times=None, seconds=20)
    service.stop(AT_ONCE)
    assert service.states() == ["confirming"]


def test_while_the_indexing_is_followed(service: Service, sim: Sim):
    service.configure()
    sim.set_fault("stuck", times=None)
    service.put("a.mp4")
    service.start()
    service.logged("upload.accepted")
    sim.set_fault("slow", endpoint="any", times=None, seconds=20)
    service.stop(AT_ONCE)
    assert service.states() == ["indexing"]
