"""`config show`: everything that applies, as a file that means the same, never the key."""

from __future__ import annotations

import os

import pytest

from ingestd.config import load
from ingestd.config.written import written
from test_cli_kit import Home

FULL = """\
api: {base_url: "https://api.example/x", proxy: "http://me:secret@proxy:3128", reads_per_second: 0}
folders:
  - /srv/plain
  - path: /srv/cams
    name: cameras
    settle: 90s
    exclude: ["**/SUB/", "LRV_*"]
    fields: {unique_id: "{top}", tags: [one, "2026", "no"], latitude: "52.5", longitude: "13"}
validate: {min_size: 1MiB, max_size: 2500MB, codecs: h264}
upload: {per_minute: 0.25, bandwidth: 20MB/s, answer_timeout: 5400, retry_min: 0.5s}
indexing: {deadline: 1w, confirm_for: 2h}
guard: {max_bytes: unlimited, first_look_files: unlimited}
stop_grace: 1m30s
"""


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    for name in ("INGESTD_LOG_LEVEL", "INGESTD_LOG_FORMAT", "INGESTD_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path, capsys)


@pytest.mark.parametrize("text", ["folders: [/srv/drop]", FULL.replace("me:secret@", "")])
def test_what_is_shown_means_the_same_when_it_is_read(home, tmp_path, text):
    home.write(text)
    again = tmp_path / "again.yaml"
    again.write_text(home.run("config", "show").out)
    assert load(again, {}) == load(home.config, {})


def test_values_are_written_as_people_do(home):
    home.write(FULL)
    shown = written(load(home.config, {}))
    assert shown["folders"][1]["settle"] == "90s"
    assert shown["validate"]["min_size"] == 1048576
    assert shown["validate"]["max_size"] == "2500MB"
    assert shown["upload"]["bandwidth"] == "20MB/s"
    assert shown["upload"]["answer_timeout"] == "90m"
    assert shown["indexing"]["deadline"] == "1w"
    assert shown["upload"]["per_minute"] == 0.25


def test_each_value_says_where_it_is_from(home, monkeypatch):
    monkeypatch.setenv("INGESTD_LOG_LEVEL", "debug")
    home.write(FULL)
    lines = {}
    for line in home.run("config", "show").out.splitlines():
        key, _, origin = line.partition("  # ")
        lines[key.strip().lstrip("- ")] = origin
    assert lines["settle: 90s"] == "line 7"
    assert lines["path: /srv/plain"] == "line 4"
    assert lines["max_size: 2500MB"] == "line 10"
    assert lines["max_attempts: 10"] == "default"
    assert lines["level: debug"] == "INGESTD_LOG_LEVEL"


def test_neither_the_key_nor_a_password_is_shown(home, monkeypatch):
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-0123456789abcd")
    home.write(FULL)
    said = home.run("config", "show")
    assert "# key: ...abcd from INGESTD_API_KEY\n" in said.out
    assert "sk-mavi" not in said.out
    assert "secret" not in said.out
    assert "secret" not in home.run("config", "show", "--json").out
    assert home.run("config", "show", "--json").json["stop_grace"] == "90s"


def test_without_a_file_it_says_where_it_looked(home, monkeypatch):
    monkeypatch.setenv("HOME", os.fspath(home.place))
    monkeypatch.delenv("INGESTD_CONFIG", raising=False)
    said = home.bare("config", "show")
    assert said.code == 2
    assert "There is no configuration file" in said.err
