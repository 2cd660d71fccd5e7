"""What a person is told to type, by where this runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestd.cli import servicewords

SYSTEM = Path("/var/lib/ingestd")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    def is_one(*, systemd: bool = False, container: bool = False):
        monkeypatch.setattr(servicewords, "_SYSTEMD", tmp_path if systemd else tmp_path / "none")
        monkeypatch.setattr(servicewords, "in_container", lambda _: container)

    return is_one


def test_with_systemd_it_is_the_unit_of_this_journal(machine):
    machine(systemd=True)
    assert servicewords.start(SYSTEM) == "sudo systemctl start ingestd"
    assert servicewords.stop(SYSTEM / "cam") == "sudo systemctl stop ingestd@cam"
    assert servicewords.restart(SYSTEM, 7) == "sudo systemctl restart ingestd"


def test_a_journal_of_no_service_is_run_by_hand(machine):
    machine(systemd=True)
    own = Path("/home/ann/.local/state/ingestd")
    assert servicewords.start(own) == "ingestd run"
    assert servicewords.restart(own, 7) == "kill 7, then: ingestd run"
    assert servicewords.restart(own, None) == "end it, then: ingestd run"
    assert servicewords.stop(own) == "Ctrl-C where it runs"


def test_in_a_container_there_is_no_systemctl(machine):
    machine(container=True)
    assert servicewords.start(Path("/config/state")) == "ingestd run (or start its container)"
    assert servicewords.restart(Path("/config/state"), 1) == (
        "kill 1, then: ingestd run (or restart its container)"
    )
    assert (
        servicewords.stop(Path("/config/state")) == "Ctrl-C where it runs (or stop its container)"
    )
