"""Members of the service's group may look and not act: a real daemon, real users."""

from __future__ import annotations

import json
import os
import pkgutil
import shutil
import signal
import stat
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from ingestd import cli
from ingestd.cli.main import run_cli
from ingestd.sim import Sim, SimSettings
from service_kit import Service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

GROUP, OTHERS, READER = 54321, 54322, 54323


class Said(NamedTuple):
    code: int
    out: str
    err: str


def said_as(group: int, service: Service, *argv: str) -> Said:
    """Run a command as a user of no rights but those of a group."""
    for module in pkgutil.iter_modules(cli.__path__, "ingestd.cli."):
        import_module(module.name)  # Python's own files may be closed to that user
    for command in (["show", "1"], ["status"], ["list", "--json"]):  # what these import late, too
        run_cli(["-c", str(service.config), *command])
    out, err = service.place / "out", service.place / "err"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            for number, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            os.setgroups([])
            os.setgid(group)
            os.setuid(READER)
            with open(1, "w", closefd=False) as stdout, open(2, "w", closefd=False) as stderr:
                import sys  # noqa: PLC0415

                sys.stdout, sys.stderr = stdout, stderr
                code = run_cli(["-c", str(service.config), *argv])
        except BaseException:  # noqa: BLE001 - whatever it is, no second pytest goes on
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return Said(os.waitstatus_to_exitcode(status), out.read_text(), err.read_text())


@pytest.fixture
def service():
    place = Path(tempfile.mkdtemp(prefix="ingestd-readers-"))  # pytest's own is root's alone
    place.chmod(0o755)
    state = place / "state"
    state.mkdir()
    os.chown(state, 0, GROUP)
    state.chmod(0o2750)  # systemd's, where the service has the group; here what is made takes it
    try:
        far = Sim(SimSettings(profile="recorded2025", parse_seconds=0.1))
        with far as sim, Service(place, sim) as one:
            one.configure()
            one.put("a.mp4")
            one.start()
            one.logged("index.parsed")
            yield one
    finally:
        shutil.rmtree(place)


def looks(service: Service) -> dict[str, object]:
    """Every command that reads, as a member of the group; what `status` says."""
    listed = said_as(GROUP, service, "list", "--json")
    assert (listed.code, listed.err) == (0, "")
    assert [row["state"] for row in json.loads(listed.out)] == ["parsed"]
    shown = said_as(GROUP, service, "show", "1")
    assert (shown.code, shown.err) == (0, "")
    assert "a.mp4" in shown.out
    status = said_as(GROUP, service, "status", "--json")
    assert (status.code, status.err) == (0, "")
    return json.loads(status.out)


def test_members_of_the_group_see_what_the_owner_sees_while_it_runs(service: Service):
    status = looks(service)
    assert status["daemon"]["answering"] is True
    assert status["counts"]["parsed"] == 1
    assert said_as(GROUP, service, "health").code == 0


def test_after_a_kill_and_after_a_stop_they_read_the_journal(service: Service):
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    log = service.place / "state/journal.db-wal"
    assert log.stat().st_size > 0
    status = looks(service)
    assert status["daemon"]["running"] is False
    assert status["counts"]["parsed"] == 1
    assert said_as(GROUP, service, "health").code == 3
    service.start()
    service.signal(signal.SIGTERM)
    assert service.process.wait(30) == 0
    assert not log.exists()
    assert looks(service)["counts"]["parsed"] == 1


def test_a_daemon_that_does_not_answer_is_seen_to_run(service: Service):
    (service.place / "state/control.sock").unlink()
    daemon = looks(service)["daemon"]
    assert (daemon["running"], daemon["answering"]) == (True, False)
    assert daemon["pid"] == service.process.pid


@pytest.mark.parametrize("command", [("pause",), ("retry", "1", "--pay-again", "--yes")])
def test_they_cannot_act_and_are_told_who_may(service: Service, command):
    said = said_as(GROUP, service, *command)
    assert said.code == 4
    assert "ingestd: Only root may tell this ingestd to do something" in said.err
    assert "nothing was changed. Say it again with sudo" in said.err
    assert service.status()["paused"] is False
    assert service.sim.report()["uploads"]["accepted"] == 1


def test_other_users_see_nothing_and_are_told_how_to_be_let_in(service: Service):
    for command in ("list", "status", "health"):
        said = said_as(OTHERS, service, command)
        assert (said.code, said.out) == (4, "")
    assert f"usermod -aG {GROUP}" in said_as(OTHERS, service, "list").err


def test_files_of_an_older_release_get_the_mode_at_the_next_start_and_lose_it(service: Service):
    def modes() -> dict[str, int]:
        return {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (service.place / "state").iterdir()
            if path.is_file() and path.name != "reserve"
        }

    expected = {"journal.db", "journal.db-wal", "journal.db-shm", "lock", "paid.log"}
    assert {name for name, mode in modes().items() if mode == 0o640} >= expected
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    for path in (service.place / "state").iterdir():
        path.chmod(0o600)
    service.start()
    assert {name for name, mode in modes().items() if mode == 0o640} >= expected
    service.process.kill()
    service.process.wait()
    (service.place / "state").chmod(0o700)
    service.start()
    assert set(modes().values()) == {0o600}
