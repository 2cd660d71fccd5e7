"""Why the mirror could not take a fact; all of them are `JournalError` (exit code 4)."""

from __future__ import annotations

import errno

from ingestd.errors import JournalError

#: What the system says where a disk or a quota is full.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class MirrorError(JournalError):
    """The mirror cannot be used; nothing is sent until it can."""


class MirrorFullError(MirrorError):
    """The disk of the mirror has no room."""


class MirrorAwayError(MirrorError):
    """The mirror that was used before is not there: its disk is not mounted, or it was deleted."""


def fault(path: str, error: OSError) -> MirrorError:
    """Turn the system's words into a sentence for the person who must act."""
    if error.errno in _FULL:
        return MirrorFullError(
            f"The disk that holds {path} is full: nothing is sent that cannot be written there. "
            "Make room there; it goes on by itself."
        )
    return MirrorError(
        f"The file of what was paid, {path}, cannot be used ({error.strerror or error}): nothing "
        "is sent that cannot be written there. Look at that disk and at who may write there; it "
        "goes on by itself."
    )
