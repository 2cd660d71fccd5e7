"""Loading a configuration: what a file, its surroundings or bare paths become."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from config_kit import HOME, STATE, complaint, complaints, config
from ingestd.config import (
    Api,
    BandwidthStep,
    Folder,
    Log,
    LogFormat,
    LogLevel,
    ScopeKind,
    Settings,
    Upload,
    WatchMode,
    from_paths,
    nearest_folder,
)
from ingestd.errors import ConfigError

__all__ = ["complaint", "complaints", "config"]  # fixtures of the kit


# What a file becomes ------------------------------------------------------------------------------


def test_a_configuration_with_nothing_but_folders_works(config):
    found = config("folders: [/srv/drop]\n")
    assert found == Settings(state_dir=STATE, folders=(Folder(path=Path("/srv/drop")),))
    assert found.folders[0].name == "drop"


def test_every_kind_of_value_is_converted(config):
    found = config(
        """
state_dir: ~/state
api: {scope: folder_id, reads_per_second: 0, key_file: ~/key, base_url: "http://[::1]:99/x/"}
folders:
  - /srv/a
  - path: /srv/a/b/
    name: inner
    recursive: no
    mode: POLL
    settle: 1h30m
    include: "*.mov"
    exclude: ["!keep/**", tmp/]
    fields:
      unique_id: "42"
      tags: "{top}"
      latitude: 52.520
      longitude: -13.4
      datetime_taken: 2026-11-22 19:00:00
      camera_model: 007
      retain_original_video: off
validate: {extensions: [MP4, .Mov], codecs: h265, max_size: 2.5GiB}
upload: {per_minute: 1/3, bandwidth: 20MB/s}
guard: {max_files: 0, max_bytes: unlimited, first_look_files: unlimited}
log: {level: Debug, format: json}
"""
    )
    assert (found.state_dir, found.mirror_dir) == (Path("/home/ann/state"), None)
    assert found.api == Api(
        base_url="http://[::1]:99/x",
        key_file=Path("/home/ann/key"),
        scope=ScopeKind.FOLDER_ID,
        reads_per_second=None,
    )
    outer, inner = found.folders
    assert outer == Folder(path=Path("/srv/a"))
    assert (inner.path, inner.name, inner.recursive) == (Path("/srv/a/b"), "inner", False)
    assert (inner.mode, inner.settle) == (WatchMode.POLL, 5400.0)
    assert (inner.include, inner.exclude) == (("*.mov",), ("!keep/**", "tmp/"))
    assert (inner.fields.unique_id, inner.fields.tags) == ("42", ("{top}",))
    assert (inner.fields.latitude, inner.fields.longitude) == ("52.520", "-13.4")
    assert inner.fields.datetime_taken == "2026-11-22 19:00:00"
    assert (inner.fields.camera_model, inner.fields.retain_original_video) == ("007", False)
    assert found.validate.extensions == (".mp4", ".mov")
    assert (found.validate.codecs, found.validate.max_size) == (("hevc",), 5 * 2**29)
    assert found.upload.per_minute == pytest.approx(1 / 3)
    assert found.upload.bandwidth_at(600) == 20_000_000
    assert not found.guard.enabled
    assert (found.guard.max_bytes, found.guard.first_look_files) == (None, None)
    assert found.log == Log(level=LogLevel.DEBUG, format=LogFormat.JSON)


def test_tuning_keys_and_quoted_numbers_are_accepted(config):
    found = config(
        """
folders:
  - {path: /srv/a, marker_timeout: "3600", grace: 7d, incomplete_after: 1w}
upload: {max_attempts: "3", retry_min: "1", retry_max: 2s, dedupe: "no", name_token: false}
indexing: {confirm_then: hold, confirm_for: 0s}
budget: {price_per_1000_min: "0.5", currency: EUR}
stop_grace: 5
"""
    )
    assert (found.folders[0].marker_timeout, found.folders[0].grace) == (3600.0, 604_800.0)
    assert (found.upload.max_attempts, found.upload.dedupe) == (3, False)
    assert found.indexing.confirm_then == "hold"
    assert (found.budget.price_per_1000_min, found.stop_grace) == (0.5, 5.0)


def test_a_section_with_nothing_below_it_holds_defaults(config):
    assert config("api:\nguard: {}\nfolders: /srv/drop\n").api == Api()


def test_folders_can_share_keys_by_a_merge(config):
    found = config(
        "folders:\n  - &base {path: /srv/a, settle: 5s, junk: no}\n"
        "  - {<<: *base, path: /srv/b, settle: 6s}\n"
    )
    assert [(str(one.path), one.settle, one.junk) for one in found.folders] == [
        ("/srv/a", 5.0, False),
        ("/srv/b", 6.0, False),
    ]


def test_the_environment_goes_before_the_file_in_what_is_logged(config):
    environ = HOME | {"INGESTD_LOG_LEVEL": "WARNING", "INGESTD_LOG_FORMAT": ""}
    found = config("folders: [/srv/drop]\nlog: {level: debug, format: json}\n", environ)
    assert found.log == Log(level=LogLevel.WARNING, format=LogFormat.JSON)


def test_settings_are_frozen_and_survive_a_pickle(config):
    found = config("folders: [/srv/drop]\n")
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(AttributeError):
        found.upload.per_minute = 5


def test_a_timetable_holds_over_midnight():
    upload = Upload(bandwidth=(BandwidthStep(480, 5), BandwidthStep(1140, None)))
    assert [upload.bandwidth_at(minute) for minute in (0, 479, 480, 1139, 1140)] == [
        None,
        None,
        5,
        5,
        None,
    ]
    assert Upload().bandwidth_at(0) is None


def test_of_nested_folders_the_deepest_wins():
    outer, inner = Folder(path=Path("/srv/a")), Folder(path=Path("/srv/a/b/c"))
    settings = Settings(state_dir=STATE, folders=(inner, outer))
    assert nearest_folder(settings, "/srv/a/b/c/d/x.mp4") is inner
    assert nearest_folder(settings, PurePosixPath("/srv/a/b/cc/x.mp4")) is outer
    assert nearest_folder(settings, "/srv/a") is outer
    assert nearest_folder(settings, "/srv/ab/x.mp4") is None


def test_neither_pydantic_nor_yaml_is_imported_until_a_file_is_loaded():
    script = (
        "import sys, ingestd.config as c; c.from_paths(['/srv/a'], {'HOME': '/h'});"
        "print({'pydantic', 'pydantic_core', 'yaml', 'pathspec'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


# Surroundings -------------------------------------------------------------------------------------


def test_a_state_directory_of_the_service_manager_must_be_ours(config, complaints):
    environ = HOME | {"STATE_DIRECTORY": "/var/lib/ingestd"}
    content = "state_dir: /var/lib/ingestd\nfolders: [/srv/a]\n"
    assert config(content, environ).state_dir == Path("/var/lib/ingestd")
    assert complaints("folders: [/srv/a]\nstate_dir: /srv/state\n", environ) == [
        (
            "config.yaml:2: state_dir: is /srv/state, but the service manager made "
            "/var/lib/ingestd ($STATE_DIRECTORY): set state_dir to /var/lib/ingestd, or change "
            "StateDirectory= of the service"
        )
    ]


def test_without_a_home_the_state_directory_must_be_set(config, complaints):
    environ = {"HOME": "/"}
    assert complaints("folders: [/srv/a]\n", environ) == [
        "config.yaml: state_dir: must be set, for no home directory is known ($HOME)"
    ]
    assert config("folders: [/srv/a]\nstate_dir: /srv/s\n", environ).state_dir == Path("/srv/s")


def test_a_wrong_log_variable_is_named(complaint):
    assert complaint("", HOME | {"INGESTD_LOG_LEVEL": "loud"}) == (
        "config.yaml: INGESTD_LOG_LEVEL: is set in the environment and must be debug, info, "
        "warning or error"
    )


# Without a file -----------------------------------------------------------------------------------


def test_paths_on_the_command_line_are_folders_with_defaults(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = from_paths(["a", "/srv/b/", "./a"], HOME | {"INGESTD_LOG_FORMAT": "json"})
    assert found == Settings(
        state_dir=STATE,
        folders=(Folder(path=tmp_path / "a"), Folder(path=Path("/srv/b"))),
        log=Log(format=LogFormat.JSON),
    )


def test_a_path_that_is_no_utf8_is_a_folder_too():
    found = from_paths(["/srv/caf\udce9"], HOME)
    assert found.folders[0].name == "caf\udce9"


def test_paths_that_cannot_be_named_apart_are_refused():
    with pytest.raises(ConfigError) as caught:
        from_paths(["/cards/1/CLIP", "/cards/2/CLIP", "/"], HOME)
    assert str(caught.value).splitlines() == [
        (
            'command line: /cards/2/CLIP: would be called "CLIP" like /cards/1/CLIP; give it a '
            "name of its own in a configuration file"
        ),
        (
            "command line: /: has no last part to be called by; give it a name of its own in a "
            "configuration file"
        ),
    ]


def test_paths_under_a_service_manager_with_another_state_directory_are_refused():
    with pytest.raises(
        ConfigError, match=r"command line: state_dir: is .* but the service manager"
    ):
        from_paths(["/srv/a"], HOME | {"STATE_DIRECTORY": "/var/lib/ingestd"})
    with pytest.raises(ConfigError, match="must be set, for no home directory is known"):
        from_paths(["/srv/a"], {"HOME": "/"})
