"""What people asked of files that are not judged yet, by path; in memory until they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.config import Folder
    from ingestd.model import Stat


@dataclass(frozen=True, slots=True)
class Meant:
    """The file that a person asked to pay for again: that one, not what lies there later."""

    stat: Stat | None  # None: not known
    fingerprint: str | None = None  # None: not known

    def is_it(self, stat: Stat, fingerprint: str | None) -> bool:
        """Tell whether a file is that one (after a remount inode and device are others)."""
        known = self.stat
        if known is not None and (known.size, known.mtime_ns) != (stat.size, stat.mtime_ns):
            return False
        return self.fingerprint in (None, fingerprint)


class Asked:
    """Wishes that wait for their file to be judged."""

    def __init__(self) -> None:
        self.lent: dict[str, Folder] = {}  # paths added by hand with the fields of a folder
        self.pay_again: dict[str, Meant] = {}  # what a person asked to pay for again
        self.by_hand: set[str] = set()  # paths that a person added: proxies too
        self.past_guard: set[str] = set()  # paths that a person asked to take: never held back

    def drop(self, path: str) -> None:
        """Nothing is there, or it is judged: what was asked is not meant for a later file."""
        self.lent.pop(path, None)
        self.pay_again.pop(path, None)
        self.by_hand.discard(path)
        self.past_guard.discard(path)
