"""trust: a person accepts the disk that is now at a folder's path."""

from __future__ import annotations

import pytest

from ingestd.watch.volumes import read_volume, volume_at
from test_cli_kit import Home, a_daemon


@pytest.fixture
def home(tmp_path, capsys):
    return Home(tmp_path, capsys)


@pytest.mark.parametrize("by", ["name", "path"])
def test_the_disk_that_is_there_now_is_named_to_the_daemon(home, by):
    home.journal()
    result = {"done": [], "refused": [], "text": "drop: it is accepted."}
    with a_daemon(home.state_dir, result=result) as daemon:
        said = home.run("trust", "drop" if by == "name" else home.drop)
    assert (said.code, said.out) == (0, "drop: it is accepted.\n")
    ((verb, args),) = daemon.wishes
    assert (verb, args["folder"]) == ("trust", "drop")
    assert read_volume(args["volume"]).same_as(volume_at(str(home.drop)))


def test_where_nothing_is_nothing_is_accepted(home):
    home.journal()
    home.drop.rmdir()
    said = home.run("trust", "drop")
    assert said.code == 1
    assert "mount the disk first" in said.err


def test_an_unknown_folder_is_wrong_usage_and_the_known_ones_are_named(home):
    home.journal()
    said = home.run("trust", "nas")
    assert said.code == 2
    assert "There are: drop" in said.err
