"""The root guard: is what lies at a folder's path the file system that was known there (rules R5)?

An unmounted share looks like an empty directory, and another disk like one from which everything
was deleted. Pure; who looks is `volumes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.watch.entries import RootState

if TYPE_CHECKING:
    from ingestd.watch.volumes import Volume

GOES_ON = "Nothing is lost; goes on by itself when it is back."


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a folder's file system."""

    volume: Volume
    used: bool = False  # videos were seen on it


@dataclass(frozen=True, slots=True)
class Guard:
    """What a folder's path is compared with."""

    name: str = ""  # of the folder, for the remedy
    known: Known | None = None
    removable: bool = False  # any disk may be there

    def verdict(self, root: str, present: Volume) -> tuple[RootState, str]:
        """Name the state of a root that can be read, and say in a sentence what to do.

        Args:
            root: The folder's path.
            present: What lies there now.
        """
        known = self.known
        if known is None or known.volume.same_as(present):
            return RootState.OK, ""
        if _above(present.point, known.volume.point):
            return RootState.MISSING, not_mounted(known.volume)
        later = not known.used and _above(known.volume.point, present.point)
        if self.removable or later:  # later: ingestd was started before the share was mounted
            return RootState.OK, ""
        here, before = _told_apart(present, known.volume)
        return RootState.FOREIGN, (
            f"At {root} is {here} now, and it was {before}. Nothing of it is "
            "taken, and nothing is called gone. Put the right one back, or take this one: "
            f"ingestd trust {self.name}"
        )

    def missing(self, root: str, mounted: frozenset[str], siblings: tuple[str, ...]) -> str:
        """Say what is to be done about a root that is not there.

        Args:
            root: The folder's path.
            mounted: The points of the mount table.
            siblings: What lies where it should: `PARENT` first, then names.
        """
        if self.known is not None:
            volume = self.known.volume
            if volume.point not in mounted:
                return not_mounted(volume)
            return f"{root} is not there any more. {GOES_ON}"
        parent, *names = siblings
        there = f"has: {', '.join(names)}" if names else "is empty"
        return (
            f"{root} was never seen since it was configured: is the path right? {parent} {there}."
        )


def not_mounted(volume: Volume) -> str:
    """Say that a file system that was there is not."""
    return f"{volume.words} is not mounted on {volume.point}. {GOES_ON}"


def _told_apart(one: Volume, other: Volume) -> tuple[str, str]:
    """What a person calls two file systems: two sticks may be /dev/sdb1 one after the other."""
    if one.words != other.words:
        return one.words, other.words
    return f"another {one.words}, {one.id}", f"{other.id}"


def _above(point: str, other: str) -> bool:
    """Tell whether a mount point lies above another one."""
    return other != point and other.startswith(point.rstrip("/") + "/")
