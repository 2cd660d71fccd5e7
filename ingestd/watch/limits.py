"""Why a folder cannot be watched for events, in words with the exact remedy (inotify(7))."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from ingestd.watch.observer import OUT_OF

MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV})
POLLED: Final = "It is polled, and watched again as soon as that can be."
_LIMITS: Final = Path("/proc/sys/fs/inotify")


def why_unwatched(root: str, error: OSError) -> str:
    """Say why a folder is not watched, and what to do."""
    if error.errno in MISSING:
        return f"{root} is not there to be watched. {POLLED}"
    said = (error.strerror or str(error)).lower()
    if error.errno not in OUT_OF:
        return f"{root} cannot be watched ({said}). {POLLED}"
    if error.errno == errno.ENOSPC:
        return _limit_words(root, "max_user_watches", at_least=524_288)
    if error.errno == errno.EMFILE and _more_descriptors():
        return _limit_words(root, "max_user_instances", at_least=1024)
    return (
        f"{root} cannot be watched: {said}. Raise LimitNOFILE= of the service"
        f" or give the machine more memory. {POLLED}"
    )


def _limit_words(root: str, name: str, *, at_least: int) -> str:
    """Name the exact setting of inotify(7) to raise; it is shared by all programs of a user."""
    now = _limit(name)
    what = name.removeprefix("max_user_")
    return (
        f"{root} is polled: inotify's {what} are used up ({now} for all programs of this user)."
        f" Raise them: sudo sysctl fs.inotify.{name}={max(at_least, 2 * now)}"
        f" (and in /etc/sysctl.d/ to keep it)."
    )


def _limit(name: str) -> int:
    try:
        return int((_LIMITS / name).read_text())
    except (OSError, ValueError):
        return 0


def _more_descriptors() -> bool:
    """Whether this process may open more files: EMFILE then speaks of inotify's instances."""
    try:
        os.close(os.open(_LIMITS, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
