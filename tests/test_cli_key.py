"""`key set`: cleaned, tried with a free call, stored for the service, never shown."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from ingestd.cli import key as key_command
from ingestd.sim import Sim, SimSettings
from test_cli_kit import Home, finish, start

RIGHT = "sk-mavi-right-0123456789"


@pytest.fixture(scope="module")
def sim():
    with Sim(SimSettings(api_key=RIGHT)) as running:
        yield running


@pytest.fixture
def home(tmp_path, capsys, monkeypatch, sim):
    for name in ("INGESTD_API_KEY", "INGESTD_API_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    home = Home(tmp_path, capsys)
    home.more = f'api: {{base_url: "{sim.url}", key_file: "{tmp_path / "key"}"}}'
    home.write(f"folders: [{home.drop}]")
    return home


def give(monkeypatch, content):
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    "content",
    [
        RIGHT,
        f"  {RIGHT}\r\n\n",
        f'"{RIGHT}"',
        f"Bearer {RIGHT}\n",
        b"\xef\xbb\xbf" + RIGHT.encode(),
    ],
)
def test_a_key_is_cleaned_tried_and_stored(home, monkeypatch, content):
    give(monkeypatch, content)
    said = home.run("key", "set")
    assert said.code == 0
    stored = home.place / "key"
    assert stored.read_text() == f"{RIGHT}\n"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert f"Stored ...6789 in {stored} (0600): memories.ai takes it." in said.out
    assert "right-01" not in said.out + said.err
    assert home.run("check", "--json").json[1]["status"] == "ok"


def test_a_key_that_is_refused_leaves_the_old_one(home, monkeypatch):
    (home.place / "key").write_text("the old one")
    give(monkeypatch, "sk-mavi-wrong-0123456789")
    said = home.run("key", "set")
    assert said.code == 1
    assert said.err.startswith("ingestd: The key was refused.")
    assert "wrong-01" not in said.err
    assert (home.place / "key").read_text() == "the old one"
    assert sorted(one.name for one in home.place.iterdir()) == ["config.yaml", "drop", "key"]


def test_a_key_that_cannot_be_tried_is_stored_only_when_that_is_said(home, monkeypatch):
    home.more = f'api: {{base_url: "http://127.0.0.1:9/x", key_file: "{home.place / "key"}"}}'
    home.write(f"folders: [{home.drop}]")
    give(monkeypatch, RIGHT)
    said = home.run("key", "set")
    assert said.code == 1
    assert "could not be tried" in said.err
    assert not (home.place / "key").exists()
    give(monkeypatch, RIGHT)
    assert "not tried" in home.run("key", "set", "--untried").out
    assert (home.place / "key").exists()


@pytest.mark.parametrize("content", ["", '""', "two words here", f"{RIGHT}\n{RIGHT}"])
def test_what_is_no_key_is_not_even_tried(home, monkeypatch, content):
    give(monkeypatch, content)
    said = home.run("key", "set")
    assert said.code == 2
    assert said.err.startswith("ingestd: What was given holds")
    assert "right-01" not in said.err


def test_a_key_on_the_command_line_is_refused_without_repeating_it(home):
    said = home.run("key", "set", RIGHT)
    assert said.code == 2
    assert "does not belong on the command line" in said.err
    assert "right-01" not in said.err + said.out


def test_without_a_place_it_says_what_to_write(home, monkeypatch, sim):
    home.more = f'api: {{base_url: "{sim.url}"}}'
    home.write(f"folders: [{home.drop}]")
    give(monkeypatch, RIGHT)
    said = home.run("key", "set")
    assert said.code == 2
    assert f"Add `api: {{key_file: {home.place / 'api-key'}}}` to {home.config}" in said.err
    give(monkeypatch, RIGHT)
    said = home.run("key", "set", "--file", home.place / "elsewhere")
    assert said.code == 0
    assert said.out.endswith(
        "Name the file to the service: api.key_file, or INGESTD_API_KEY_FILE.\n"
    )


def test_a_place_that_cannot_be_written_keeps_the_key_unsaid(home, monkeypatch):
    give(monkeypatch, RIGHT)
    said = home.run("key", "set", "--file", home.place / "none" / "key")
    assert said.code == 2
    assert "The key was not stored: " in said.err


def test_a_containers_secret_is_replaced_outside(home, monkeypatch):
    give(monkeypatch, RIGHT)
    said = home.run("key", "set", "--untried", "--file", "/run/secrets/none/api-key")
    assert said.code == 2
    assert "replace it outside, then restart the container" in said.err


def test_a_link_is_followed(home, monkeypatch):
    real = home.place / "real"
    real.write_text("old")
    (home.place / "key").symlink_to(real)
    give(monkeypatch, RIGHT)
    assert home.run("key", "set").code == 0
    assert (home.place / "key").is_symlink()
    assert real.read_text() == f"{RIGHT}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
class TestForTheService:
    """People join the service's group to look at `status`: it must not come to read the key."""

    @pytest.fixture
    def system(self, home, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setattr(key_command, "_SYSTEM_DIR", home.place)
        home.more = home.more.partition(", key_file")[0] + "}"
        return home

    def unit(self, home, *lines):
        tool = home.place / "bin" / "systemctl"
        tool.parent.mkdir()
        tool.write_text(
            "#!/bin/sh\necho LoadState=loaded; echo User=nobody; "
            f"echo 'ExecStart={home.config}'\n" + "".join(f"echo {one}\n" for one in lines)
        )
        tool.chmod(0o755)

    def rights(self, file):
        found = file.stat()
        return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid

    def test_what_systemd_hands_over_is_roots_alone(self, system, monkeypatch):
        self.unit(system, f"LoadCredential=api-key:{system.place}/lent")
        (system.place / "lent").write_text("old")
        os.chown(system.place / "lent", 65534, 65534)
        system.write(f"folders: [{system.drop}]")
        give(monkeypatch, RIGHT)
        said = system.run("key", "set")
        assert self.rights(system.place / "lent") == (0o640, 0, 0)
        assert "lent (0640 root:root, which only root reads): memories.ai takes it." in said.out
        assert said.out.endswith("To make the service use it: sudo systemctl restart ingestd\n")

    def test_what_the_service_reads_itself_is_its_users(self, system, monkeypatch):
        self.unit(system)
        system.more = system.more[:-1] + f', key_file: "{system.place / "key"}"' + "}"
        system.write(f"folders: [{system.drop}]")
        give(monkeypatch, RIGHT)
        said = system.run("key", "set")
        assert self.rights(system.place / "key") == (0o640, 65534, 0)
        assert "(0640 nobody:root, which only nobody and root read)" in said.out
        assert said.out.endswith("To make the service use it: sudo systemctl reload ingestd\n")


def test_a_pipe_is_read_by_the_real_command(home):
    process = start("-c", home.config, "key", "set", "--untried", "--file", home.place / "piped")
    said = finish(process)
    assert said.code == 2
    assert "holds no API key: it is empty" in said.err
    assert not Path(home.place / "piped").exists()
