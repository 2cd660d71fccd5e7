"""Files that commands write: replaced in one move, so that nobody ever reads half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(
    path: Path, text: str, *, mode: int, owner: int | None = None, group: int | None = None
) -> None:
    """Put a text in a file's place; a link is followed, what was there stays until all is written.

    Args:
        path: which file; its directory must be there.
        text: its new content.
        mode: its new permissions.
        owner: its new owner; None: who writes it.
        group: its new group; None: whatever a new file here gets.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    target = Path(os.path.realpath(path))
    handle, made = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if owner is not None or group is not None:
                os.fchown(file.fileno(), _or_kept(owner), _or_kept(group))
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(target)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def _or_kept(number: int | None) -> int:
    """Write "as it is" as chown(2) does."""
    return -1 if number is None else number
