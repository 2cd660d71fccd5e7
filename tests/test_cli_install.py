"""`install` and `uninstall` into an image: every file, its mode, and what stays afterwards."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from ingestd.cli import install_plan
from ingestd.cli.install import _closed
from ingestd.cli.main import run_cli
from ingestd.config import Settings, from_paths, load
from ingestd.errors import Exit
from ingestd.journal import Journal
from ingestd.model import Item, Stat, State

KEY = "sk-mavi-0123456789abcdef"


@pytest.fixture
def image(tmp_path, capsys, monkeypatch):
    """A machine's file system, with two folders that exist here too."""
    monkeypatch.delenv("INGESTD_API_KEY", raising=False)
    monkeypatch.delenv("INGESTD_CONFIG", raising=False)
    (tmp_path / "machine").mkdir()
    (tmp_path / "drop").mkdir()

    class Image:
        root, drop = tmp_path / "machine", tmp_path / "drop"

        def say(self, *argv: object) -> str:
            code = run_cli([str(one) for one in argv] + ["--root", str(self.root)])
            said = capsys.readouterr()
            assert (code, said.err) == (0, ""), said.err
            return said.out

        def fail(self, *argv: object) -> str:
            code = run_cli([str(one) for one in argv] + ["--root", str(self.root)])
            assert code == Exit.USAGE
            return capsys.readouterr().err

        def files(self) -> dict[str, int]:
            return {
                f"/{one.relative_to(self.root)}": stat.S_IMODE(one.stat().st_mode)
                for one in self.root.rglob("*")
                if one.is_file()
            }

        def text(self, path: str) -> str:
            return (self.root / path.lstrip("/")).read_text()

    return Image()


def test_a_dry_run_says_everything_and_changes_nothing(image, monkeypatch):
    monkeypatch.setenv("INGESTD_API_KEY", KEY)
    said = image.say("install", "--dry-run", image.drop)
    assert image.files() == {}
    for path in ("etc/ingestd/config.yaml", "etc/ingestd/api-key", "system/ingestd.service"):
        assert f"{path} (" in said
    assert f'- "{image.drop}"' in said  # the configuration as it would be
    assert KEY not in said


def test_it_places_unit_configuration_and_key_with_their_modes(image, tmp_path):
    key = tmp_path / "key"
    key.write_text(f"Bearer {KEY}\r\n")
    said = image.say("install", image.drop, "--key-file", key)
    files = image.files()
    assert files["/etc/ingestd/api-key"] == 0o600
    assert files["/etc/ingestd/config.yaml"] == 0o640
    assert files["/etc/systemd/system/ingestd.service"] == 0o644
    assert image.text("/etc/ingestd/api-key") == f"{KEY}\n"
    written = load(image.root / "etc/ingestd/config.yaml", {"HOME": "/x"})
    assert [one.path for one in written.folders] == [image.drop]
    assert "ingestd check" in said
    assert f"sudo chroot {image.root} useradd --system" in said  # the unit's user is not there yet
    assert f"sudo systemctl --root={image.root} enable ingestd" in said
    assert KEY not in said
    program = str(Path(sys.executable).with_name("ingestd"))
    unit = image.text("/etc/systemd/system/ingestd.service")
    assert f"ExecStart={program} run -c /etc/ingestd/config.yaml\n" in unit
    assert f"ExecReload={program} check --config-only" in unit


SHELLS = ("bash-completion/completions/ingestd", "zsh/site-functions/_ingestd")


def test_every_shell_finds_its_completion_until_the_last_one_is_uninstalled(image):
    image.say("install", image.drop)
    image.say("install", "--name", "cam", image.drop)
    places = [
        f"/usr/local/share/{one}" for one in (*SHELLS, "fish/vendor_completions.d/ingestd.fish")
    ]
    assert [image.files()[place] for place in places] == [0o644] * 3
    assert all("_INGESTD_COMPLETE" in image.text(place) for place in places)
    image.say("uninstall", "--name", "cam")
    assert set(places) <= set(image.files())
    (image.root / "etc/systemd/system/ingestd@.service").unlink()  # the last of those, too
    image.say("uninstall")
    assert not set(places) & set(image.files())


def test_repeating_it_changes_nothing(image):
    image.say("install", image.drop)
    before = {path: image.text(path) for path in image.files()}
    said = image.say("install")
    assert {path: image.text(path) for path in image.files()} == before
    assert "write" not in said
    assert "replace" not in said


def test_a_configuration_that_is_there_stays_and_other_folders_are_refused(image):
    image.say("install", image.drop)
    assert "stays as it is" in image.fail("install", image.drop)
    text = image.text("/etc/ingestd/config.yaml")
    (image.root / "etc/ingestd/config.yaml").write_text(text + "stop_grace: 5m\n")
    image.say("install")
    assert "stop_grace" in image.text("/etc/ingestd/config.yaml")


def test_a_configuration_of_one_s_own_is_taken_as_it_is(image, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(f"# mine\nfolders: [{image.drop}]\n")
    image.say("-c", own, "install")
    assert image.text("/etc/ingestd/config.yaml") == own.read_text()


def test_without_folders_and_without_a_configuration_it_asks_for_them(image):
    assert "Name the folders" in image.fail("install")
    assert "no folder" in image.fail("install", image.drop / "none")
    assert image.files() == {}


def test_a_second_one_has_names_of_its_own(image):
    image.say("install", image.drop)
    image.say("install", "--name", "cam", image.drop)
    assert "/etc/ingestd/cam.yaml" in image.files()
    assert "ingestd@" in image.text("/etc/ingestd/cam.yaml") + image.text(
        "/etc/systemd/system/ingestd@.service"
    )
    image.say("uninstall", "--name", "cam")
    assert "/etc/systemd/system/ingestd.service" in image.files()
    assert "is no name" in image.fail("install", "--name", "../x", image.drop)


def test_where_a_package_brought_the_unit_none_is_put_before_it(image):
    brought = image.root / "lib/systemd/system/ingestd.service"
    brought.parent.mkdir(parents=True)
    brought.write_text("[Unit]\n")
    image.say("install", image.drop)
    assert "/etc/systemd/system/ingestd.service" not in image.files()
    assert "sudo apt remove ingestd" in image.say("uninstall")


def test_uninstalling_leaves_what_was_configured_and_paid_and_says_what_that_means(image, tmp_path):
    key = tmp_path / "key"
    key.write_text(KEY)
    image.say("install", image.drop, "--key-file", key)
    (image.root / "var/lib/ingestd").mkdir(parents=True)
    assert "/etc/systemd/system/ingestd.service" in image.say("uninstall", "--dry-run")
    assert "/etc/systemd/system/ingestd.service" in image.files()
    said = image.say("uninstall")
    assert set(image.files()) == {"/etc/ingestd/config.yaml", "/etc/ingestd/api-key"}
    assert "Deleting the journal means paying again" in said
    for stays in ("etc/ingestd/config.yaml", "etc/ingestd/api-key", "var/lib/ingestd"):
        assert stays in said


def test_uninstalling_says_how_much_the_journal_is_worth(image):
    image.say("install", image.drop)
    state = image.root / "var/lib/ingestd"
    state.mkdir(parents=True)
    journal = Journal.create_or_open(state, fstype=None)
    row = Item(0, "/a.mp4", "drop", State.PARSED, stat=Stat(1, 1, 1, 1, 1), video_no="V1")
    with journal.transaction():
        journal.restore(row, "file.restored", 1.0)
    journal.close()
    assert "knows of 1 clip that were paid for" in image.say("uninstall")


# --- the sandbox ----------------------------------------------------------------------------------


def lines(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    settings = load(file, {"HOME": "/x"})
    return install_plan.drop_in(install_plan.Site(), settings)


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("folders: [/srv/drop, /mnt/nas]", []),
        ("folders: [/home/ann/drop]", ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/ann/drop"]),
        (
            "folders: ['/home/ann/my 100% clips']",
            ["ProtectHome=tmpfs", 'BindReadOnlyPaths="-/home/ann/my 100%% clips"'],
        ),
        (
            "folders: [{path: /srv/media/in, after_parsed: {move_to: /srv/media/done}}]",
            ["ReadWritePaths=-/srv/media"],  # one mount: moving is a rename
        ),
        (
            "folders: [{path: /srv/in, after_parsed: {move_to: /mnt/done}}]",
            ["ReadWritePaths=-/srv/in", "ReadWritePaths=-/mnt/done"],
        ),
    ],
)
def test_the_sandbox_is_opened_for_what_is_asked_and_no_further(text, opened, tmp_path):
    assert lines(text, tmp_path) == opened


def test_a_mirror_on_another_disk_may_be_written():
    settings = Settings(state_dir=Path("/var/lib/ingestd"), mirror_dir=Path("/mnt/other"))
    assert install_plan.drop_in(install_plan.Site(), settings) == ["ReadWritePaths=-/mnt/other"]


def test_the_drop_in_goes_when_it_is_not_needed_any_more(image, tmp_path):
    config = image.root / "etc/ingestd/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("folders: [{path: /srv/in, after_parsed: {move_to: /srv/in/done}}]\n")
    image.say("install")
    drop_in = "/etc/systemd/system/ingestd.service.d/installed.conf"
    assert image.text(drop_in) == "[Service]\nReadWritePaths=-/srv/in\n"
    config.write_text("folders: [/srv/in]\n")
    image.say("install")
    assert drop_in not in image.files()


def test_a_command_that_the_service_could_not_run_is_not_installed(tmp_path):
    assert _closed("/home/ann/.local/bin/ingestd") == "/home is hidden from services"
    assert _closed("/usr/bin/env") == ""
    assert "not there" in _closed("/opt/no/such/ingestd")


def test_folders_of_the_command_line_mean_the_same_as_in_the_file(image):
    image.say("install", image.drop)
    written = load(image.root / "etc/ingestd/config.yaml", {"HOME": "/x"})
    assert isinstance(written, Settings)
    assert written.folders == from_paths([str(image.drop)], {"HOME": "/x"}).folders
