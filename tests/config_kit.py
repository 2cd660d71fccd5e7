"""What the tests of loading share: a file to load, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestd.config import load
from ingestd.errors import ConfigError

HOME = {"HOME": "/home/ann"}
STATE = Path("/home/ann/.local/state/ingestd")


@pytest.fixture
def config(tmp_path):
    def of(content, environ=HOME):
        path = tmp_path / "config.yaml"
        path.write_text(content, encoding="utf-8")
        return load(path, environ)

    return of


@pytest.fixture
def complaints(config, tmp_path):
    """Return what is said about a configuration, without the file's directory."""

    def of(content, environ=HOME):
        with pytest.raises(ConfigError) as caught:
            config(content, environ)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return of


@pytest.fixture
def complaint(complaints):
    """Return the only thing that is said about a configuration with a folder of its own."""

    def of(content, environ=HOME):
        (only,) = complaints(content + "\nfolders: [/srv/drop]\n", environ)
        return only

    return of


@pytest.fixture
def about_folder(complaints):
    """Return the only thing that is said about a folder with these keys."""

    def of(keys):
        (only,) = complaints(f"folders:\n  - path: /srv/drop\n    {keys}\n")
        return only

    return of
