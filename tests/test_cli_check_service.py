"""`check` as root: each folder as the service's user, within its sandbox, with the exact remedy."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from ingestd.cli.account import Refusal, account, refusal
from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.checking import Grade
from ingestd.cli.checks_folder import Service, check_folder, check_written
from ingestd.cli.checks_service import check_files, find_service
from ingestd.cli.unit import Unit, find_unit
from ingestd.config import After, AfterKind, Folder

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
GROUP = 54321  # nobody's
NOBODY = account("nobody")
EXEC = "{ path=/usr/local/bin/ingestd ; argv[]=/usr/local/bin/ingestd run -c /etc/x.yaml ; }"


def a_unit(**properties):
    return Unit("ingestd", {"User": "nobody", **properties})


@pytest.fixture
def place():
    """A directory that every user may enter, unlike those of the tests."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made).resolve()


@pytest.fixture
def drop(place):
    drop = place / "media" / "drop"
    drop.mkdir(parents=True)
    return drop


def looked_at(drop, **options):
    options.setdefault("unit", a_unit())
    folder = Folder(path=drop, **options.pop("folder", {}))
    return check_folder(folder, Service(NOBODY, options["unit"]))[0]


@root_only
class TestAsTheUser:
    def test_an_open_folder_is_fine(self, drop):
        result = looked_at(drop)
        assert result.grade is Grade.OK
        assert result.text.endswith("open to user nobody")

    def test_a_folder_of_a_group_names_the_group_to_join(self, drop):
        os.chown(drop, 0, GROUP)
        drop.chmod(0o750)
        result = looked_at(drop)
        assert result.grade is Grade.FAIL
        assert result.text == f"user nobody may not enter {drop} (0750 root:{GROUP})"
        assert result.remedy == (
            f"Run: sudo usermod -aG {GROUP} nobody && sudo systemctl restart ingestd"
        )

    def test_the_first_closed_directory_on_the_way_is_named(self, drop):
        os.chown(drop.parent, 0, GROUP)
        drop.parent.chmod(0o710)
        result = looked_at(drop)
        assert result.text == f"user nobody may not enter {drop.parent} (0710 root:{GROUP})"

    def test_nobody_is_told_to_join_the_group_of_root(self, drop):
        drop.chmod(0o750)
        result = looked_at(drop)
        assert result.remedy.startswith(f"Run: sudo setfacl -m u:nobody:rx {drop} && ")

    def test_a_folder_that_can_be_entered_and_not_listed(self, drop):
        os.chown(drop, 0, GROUP)
        drop.chmod(0o751)
        result = looked_at(drop)
        assert result.text == f"user nobody may not read {drop} (0751 root:{GROUP})"
        assert result.remedy.startswith(f"Run: sudo usermod -aG {GROUP} nobody")

    def test_a_group_of_the_unit_counts(self, drop):
        os.chown(drop, 0, GROUP)
        drop.chmod(0o750)
        member = account("nobody", more=[str(GROUP)])
        assert in_child(lambda: refusal(member, str(drop), change=False), 5.0) is None

    def test_files_are_moved_only_from_a_folder_that_may_be_changed(self, drop):
        moved = {"after_parsed": After(AfterKind.MOVE_TO, drop.parent)}
        result = looked_at(drop, folder=moved)
        assert result.text == f"user nobody may not change {drop} (0755 root:root)"
        assert "setfacl -m u:nobody:rwx" in result.remedy

    def test_the_place_that_files_are_moved_to_is_tried_too(self, drop, place):
        drop.chmod(0o777)
        moved = {"after_parsed": After(AfterKind.MOVE_TO, place / "done" / "deep")}
        result = looked_at(drop, folder=moved)
        assert result.text == f"user nobody may not change {place} (0755 root:root)"
        place.chmod(0o777)
        assert looked_at(drop, folder=moved).grade is Grade.OK

    def test_files_that_cannot_be_read_are_a_warning(self, drop):
        for name in ("a.mp4", "b.mp4", "c.mp4"):
            (drop / name).touch(mode=0o600)
        (drop / "c.mp4").chmod(0o644)
        result = looked_at(drop)
        assert result.grade is Grade.WARN
        assert "(0600 root:root), nor 1 more of 3 files looked at" in result.text
        rights = "-m u:nobody:rX -m d:u:nobody:rX"  # and for the files to come
        assert result.remedy == f"Run: sudo setfacl -R {rights} {drop}"
        for name in ("a.mp4", "b.mp4"):
            os.chown(drop / name, 0, GROUP)
            (drop / name).chmod(0o640)
        assert looked_at(drop).remedy.startswith(f"Run: sudo usermod -aG {GROUP} nobody && ")

    def test_what_the_service_starts_with_is_tried_too(self, place):
        key = place / "key"
        key.touch(mode=0o600)
        readable = place / "config.yaml"
        readable.touch(mode=0o644)
        service = Service(NOBODY, a_unit(ProtectHome="yes"))
        files = {"key": key, "configuration": readable, "program": Path("/home/me/bin/ingestd")}
        key_result, program = check_files(service, files)
        assert key_result.text == f"user nobody may not read {key} (0600 root:root)"
        assert program.text == "/home/me/bin/ingestd: hidden by ProtectHome=yes"


class TestSandbox:
    @pytest.mark.parametrize("value", ["yes", "tmpfs"])
    def test_homes_are_hidden(self, value):
        found = a_unit(ProtectHome=value).hides("/home/media/drop", change=False)
        assert found.why == f"hidden by ProtectHome={value}"
        assert found.lines == ("ProtectHome=tmpfs", "BindReadOnlyPaths=/home/media/drop")
        assert a_unit(ProtectHome="read-only").hides("/home/media/drop", change=False) is None
        assert a_unit(ProtectHome=value).hides("/homes/drop", change=False) is None

    def test_a_bound_home_is_visible(self):
        unit = a_unit(
            ProtectHome="tmpfs", BindReadOnlyPaths="/home/media/drop:/home/media/drop:rbind"
        )
        assert unit.hides("/home/media/drop/card", change=False) is None
        assert unit.bound("/home/media/drop/card") == "/home/media/drop"
        assert unit.hides("/home/media/drop", change=True).lines == ("BindPaths=/home/media/drop",)

    def test_a_private_tmp_hides_the_real_one(self):
        assert a_unit(PrivateTmp="yes").hides("/tmp/drop", change=False).why.startswith("hidden by")

    def test_inaccessible_and_covered_paths_are_hidden(self):
        unit = a_unit(InaccessiblePaths="-/srv/secret", TemporaryFileSystem="/mnt:ro")
        assert unit.hides("/srv/secret/x", change=False).why.endswith(
            "InaccessiblePaths=/srv/secret"
        )
        assert unit.hides("/mnt/nas", change=False).why.endswith("TemporaryFileSystem=/mnt")
        assert unit.hides("/srv/drop", change=False) is None

    def test_moving_needs_a_place_that_can_be_written(self):
        unit = a_unit(ProtectSystem="strict")
        assert unit.hides("/srv/drop", change=False) is None
        assert unit.hides("/srv/drop", change=True).lines == ("ReadWritePaths=/srv/drop",)
        allowed = a_unit(ProtectSystem="strict", ReadWritePaths="-/srv")
        assert allowed.hides("/srv/drop", change=True) is None

    def test_its_own_state_may_be_written(self):
        unit = a_unit(ProtectSystem="strict", StateDirectory="ingestd")
        assert unit.hides("/var/lib/ingestd/mirror", change=True) is None
        assert unit.hides("/srv/mirror", change=True).lines == ("ReadWritePaths=/srv/mirror",)

    @root_only
    def test_the_mirror_must_be_written(self, place):
        service = Service(NOBODY, a_unit())
        result = check_written("mirror", place / "mirror", service)
        assert result.text == f"user nobody may not change {place} (0755 root:root)"
        place.chmod(0o777)
        assert check_written("mirror", place / "mirror", service) is None

    def test_the_remedy_is_one_line_to_paste(self, drop):
        home = Folder(path=Path("/home"))
        unit = a_unit(ProtectHome="yes")
        result, _ = check_folder(home, Service(NOBODY, unit))
        assert result.text == "/home: hidden by ProtectHome=yes"
        assert result.remedy == (
            "Run: sudo install -d /etc/systemd/system/ingestd.service.d && printf "
            r"'[Service]\nProtectHome=tmpfs\nBindReadOnlyPaths=/home\n' | sudo tee "
            "/etc/systemd/system/ingestd.service.d/folder-home.conf && "
            "sudo systemctl daemon-reload && sudo systemctl restart ingestd"
        )

    @root_only
    def test_a_running_service_that_does_not_see_the_folder_is_told(self, drop):
        unit = a_unit(MainPID=str(os.getpid()))
        assert looked_at(drop, unit=unit).grade is Grade.OK


@pytest.fixture
def systemctl(place, monkeypatch):
    """A systemctl that knows one unit."""

    def says(unit, **properties):
        told = "\n".join(f"{key}={value}" for key, value in properties.items())
        tool = place / "systemctl"
        tool.write_text(
            f'#!/bin/sh\ncase "$2 $3" in "show {unit}.service") cat <<"END"\n{told}\nEND\n;;\n'
            f'"cat {unit}.service") echo "# x"; echo LoadCredential=other:/x;'
            " echo LoadCredential=api-key:/etc/key;;\n*) echo LoadState=not-found;; esac\n"
        )
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")

    return says


def test_the_unit_is_found_by_the_configuration_it_names(systemctl):
    systemctl("ingestd", LoadState="loaded", User="media", ExecStart=EXEC, MainPID="0")
    unit = find_unit(Path("/etc/x.yaml"))
    assert (unit.name, unit.user, unit.pid) == ("ingestd", "media", None)
    assert unit.program == "/usr/local/bin/ingestd"
    assert find_unit(Path("/etc/y.yaml")) is None


@pytest.mark.parametrize(
    ("shown", "found"), [("[unprintable]", "/etc/key"), ("api-key:/shown", "/shown")]
)
def test_the_credential_is_found_though_old_systemds_do_not_show_it(systemctl, shown, found):
    systemctl("ingestd", LoadState="loaded", ExecStart=EXEC, LoadCredential=shown)
    assert find_unit(Path("/etc/x.yaml")).credential("api-key") == found


def test_an_instance_is_found_by_the_name_of_its_configuration(systemctl):
    systemctl("ingestd@x", LoadState="loaded", ExecStart=EXEC)
    assert find_unit(Path("/etc/x.yaml")).restart == "sudo systemctl restart ingestd@x"


def test_a_failed_unit_says_where_to_look(systemctl, tmp_path):
    systemctl("ingestd", LoadState="loaded", ActiveState="failed", User="root", ExecStart=EXEC)
    _, (result,) = find_service(Path("/etc/x.yaml"), tmp_path)
    assert result.grade is Grade.FAIL
    assert result.remedy.startswith("Why: journalctl -u ingestd -n 30")


@root_only
def test_a_user_that_is_not_there_is_told(systemctl, tmp_path):
    systemctl("ingestd", LoadState="loaded", ActiveState="active", User="nobody9", ExecStart=EXEC)
    service, results = find_service(Path("/etc/x.yaml"), tmp_path)
    assert service is None
    assert "does not exist" in results[-1].text


@root_only
def test_without_a_unit_the_owner_of_the_state_directory_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    os.chown(tmp_path, 65534, 65534)
    service, results = find_service(Path("/etc/x.yaml"), tmp_path)
    assert (service.who.name, service.restart, results) == ("nobody", "restart ingestd", [])


def test_a_child_that_hangs_is_left_behind():
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        in_child(lambda: time.sleep(60), 0.05)
    assert time.monotonic() - began < 30


def test_a_child_that_breaks_is_no_answer():
    with pytest.raises(NoAnswerError):
        in_child(lambda: 1 / 0, 5.0)


def test_a_large_answer_comes_whole():
    assert in_child(lambda: "x" * 1_000_000, 5.0) == "x" * 1_000_000


def test_an_odd_name_is_printed_safely():
    refused = Refusal(os.fsdecode(b"/srv/odd\n\xff dir"), "enter", "x", 0o40700, 0, 0)
    assert refused.sentence("x") == r"user x may not enter /srv/odd\x0a\xff dir (0700 root:root)"
