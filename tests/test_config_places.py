"""Where the configuration file is found, and which state directory follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestd.config import find, places
from ingestd.errors import ConfigError, UsageError


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Stand-ins for /etc/ingestd and /var/lib/ingestd."""
    etc = tmp_path / "etc"
    etc.mkdir()
    monkeypatch.setattr(places, "_SYSTEM_DIR", etc)
    return etc


def _write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("folders: [/srv/drop]\n")
    return path


def test_the_places_are_looked_at_in_their_order(tmp_path, system):
    environ = {"HOME": str(tmp_path / "home")}
    seen = [_write(system / "config.yaml")]
    assert find(None, environ) == seen[-1]
    seen.append(_write(tmp_path / "home/.config/ingestd/config.yaml"))
    assert find(None, environ) == seen[-1]
    environ["INGESTD_CONFIG"] = str(_write(tmp_path / "named.yaml"))
    assert find(None, environ) == tmp_path / "named.yaml"
    assert find(str(tmp_path / "x.yaml"), environ) == tmp_path / "x.yaml"


def test_a_named_file_is_made_a_full_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find("sub/../config.yaml", {}) == tmp_path / "config.yaml"


def test_without_any_file_the_places_and_the_remedies_are_named(tmp_path, system):
    with pytest.raises(UsageError) as caught:
        find(None, {"HOME": str(tmp_path)})
    assert not isinstance(caught.value, ConfigError)
    assert str(caught.value) == (
        f"There is no configuration file: looked for {tmp_path}/.config/ingestd/config.yaml and "
        f"{system}/config.yaml. Write one (config.example.yaml shows every key; `folders: "
        "[/path/to/videos]` is enough) or name one with -c FILE or INGESTD_CONFIG."
    )


def test_a_service_without_a_home_looks_in_the_system_s_place_only(system):
    with pytest.raises(UsageError, match=f"looked for {system}/config.yaml. "):
        find(None, {"HOME": "/"})


@pytest.mark.parametrize(
    ("config", "state_dir"),
    [
        ("/etc/ingestd/config.yaml", "/var/lib/ingestd"),
        ("/etc/ingestd/stage2.yaml", "/var/lib/ingestd/stage2"),
        ("/etc/ingestd/sub/config.yaml", "/home/ann/.local/state/ingestd"),
        ("/home/ann/.config/ingestd/config.yaml", "/home/ann/.local/state/ingestd"),
        (None, "/home/ann/.local/state/ingestd"),
    ],
)
def test_the_state_directory_follows_the_configuration_file(config, state_dir):
    found = places.default_state_dir(Path(config) if config else None, {"HOME": "/home/ann"})
    assert found == Path(state_dir)


def test_without_a_home_there_is_no_default():
    assert places.default_state_dir(Path("/srv/config.yaml"), {"HOME": "/"}) is None


@pytest.mark.parametrize("given", ["", "/var/lib/ingestd", "/var/lib/other:/var/lib/ingestd"])
def test_the_same_state_directory_is_no_conflict(given):
    assert not places.state_dir_conflict(Path("/var/lib/ingestd"), {"STATE_DIRECTORY": given})


def test_a_symlink_to_the_same_state_directory_is_no_conflict(tmp_path):
    """This is how the service manager's DynamicUser lays it out."""
    (tmp_path / "private").mkdir()
    (tmp_path / "ingestd").symlink_to("private")
    environ = {"STATE_DIRECTORY": str(tmp_path / "private")}
    assert not places.state_dir_conflict(tmp_path / "ingestd", environ)


def test_another_state_directory_is_a_conflict():
    assert places.state_dir_conflict(Path("/a"), {"STATE_DIRECTORY": "/var/lib/ingestd"}) == (
        "is /a, but the service manager made /var/lib/ingestd ($STATE_DIRECTORY): set state_dir to "
        "/var/lib/ingestd, or change StateDirectory= of the service"
    )
