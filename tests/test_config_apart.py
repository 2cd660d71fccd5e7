"""The configuration read in a child: the same answers, and nothing of the validator stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ingestd.config import load, load_apart
from ingestd.errors import ConfigError

TEXT = """
state_dir: /var/lib/x
folders: [{path: /srv/a, fields: {tags: [a, "{top}"]}}, /srv/b]
upload: {per_minute: 1/3}
"""


def test_the_settings_are_the_same(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    assert load_apart(path, {}) == load(path, {})


def test_everything_wrong_is_said_in_the_same_words(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("folders: []\nuplod: 1\nlog: {level: loud}\n")
    with pytest.raises(ConfigError) as here:
        load(path, {})
    with pytest.raises(ConfigError) as apart:
        load_apart(path, {})
    assert str(apart.value) == str(here.value)
    assert apart.value.problems == here.value.problems


def test_a_file_that_is_not_there_is_said_in_the_same_words(tmp_path):
    with pytest.raises(ConfigError) as apart:
        load_apart(tmp_path / "none.yaml", {})
    assert "none.yaml" in str(apart.value)


def test_the_process_carries_neither_the_validator_nor_the_yaml_reader(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    script = (
        "import sys, pathlib; from ingestd.config import load_apart;"
        f"load_apart(pathlib.Path({str(path)!r}), {{}});"
        "print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout.strip() == "[]"
