"""In our image the journal must not vanish with the container (rules R8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestd.daemon.place import IN_OUR_IMAGE, refuse_lost_state
from ingestd.errors import UsageError
from ingestd.watch.mounts import parse_mountinfo

STATE = Path("/config/state")
HERE = {IN_OUR_IMAGE: "1"}
ROOT = "30 1 0:40 / / rw - overlay overlay rw,upperdir=/u\n"
NAMELESS = f"/var/lib/docker/volumes/{'0a' * 32}/_data"


def mounts(line: str = ""):
    return parse_mountinfo(ROOT + line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "31 30 0:41 / /media rw - ext4 /dev/sda1 rw\n",
        "31 30 0:41 / /config rw - tmpfs tmpfs rw\n",
        f"31 30 8:1 {NAMELESS} /config rw - ext4 /dev/sda1 rw\n",
    ],
)
def test_a_state_directory_that_would_go_with_the_container_is_refused(line):
    with pytest.raises(UsageError, match="paid for again") as refused:
        refuse_lost_state(STATE, mounts(line), HERE)
    assert "./config:/config" in str(refused.value)
    refuse_lost_state(STATE, mounts(line), {})  # elsewhere it is nobody's business


@pytest.mark.parametrize(
    "line",
    [
        "31 30 8:1 /docker/ingestd /config rw - btrfs /dev/sda1 rw\n",
        "31 30 8:1 /var/lib/docker/volumes/ingestd/_data /config/state rw - ext4 /dev/sda1 rw\n",
    ],
)
def test_a_folder_of_the_host_or_a_named_volume_is_taken(line):
    refuse_lost_state(STATE, mounts(line), HERE)
