"""Where the state directory may lie: not where it would vanish with a container (rules R8)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.watch.mounts import MountTable

#: Set in our image.
IN_OUR_IMAGE = "INGESTD_IN_CONTAINER"
#: File systems that end with the container.
_MEMORY = frozenset({"tmpfs", "ramfs"})
#: Where docker and podman keep a volume that was given no name: a new container gets another one.
_NAMELESS = re.compile(r"/volumes/[0-9a-f]{64}/_data(/|$)")


def refuse_lost_state(state_dir: Path, mounts: MountTable, environ: Mapping[str, str]) -> None:
    """Refuse a state directory that is part of the container.

    Raises:
        UsageError: the journal would be gone with the container, and all be paid for again.
    """
    if not environ.get(IN_OUR_IMAGE):
        return
    place = os.path.realpath(state_dir)
    mount = mounts.of(place)
    if mount is None or mount.point == "/" or mount.fstype in _MEMORY:
        where = "is part of this container"
    elif _NAMELESS.search(mount.root):
        where = "is a volume without a name, which belongs to this container alone,"
    else:
        return
    raise UsageError(
        f"The state directory {place} {where} and would be gone with it: every clip would be "
        "uploaded and paid for again. Give the container a folder of the host for it, as the "
        "compose file does: volumes: [./config:/config]"
    )
