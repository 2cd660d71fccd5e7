"""The truth about a folder: what lies in it now (architecture 1; rules R5).

Names that are not ours cost a look into a dictionary, videos a stat. A directory whose mtime has
not moved since it was listed is skipped where that can be trusted; its known sub-directories are
visited all the same.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.watch.beneath import Descent
from ingestd.watch.entries import VANISHED, Entry, EntryKind
from ingestd.watch.look import Looker, error_words
from ingestd.watch.memory import Memory
from ingestd.watch.names import Ignored, Refused
from ingestd.watch.roots import root_trouble
from ingestd.watch.walk import ScanPass, View

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from ingestd.watch.names import NameRules, Verdict


def _nobody() -> None:
    """Nobody wants to know."""


class Scanner:
    """Looks at one folder; for worker threads, starts none.

    One pass at a time; `look`, `verdict` and `distrust` may be called beside it.

    Args:
        root: Absolute path of the folder; may itself be a link.
        names: Which names are ours, relative to `root`.
        recursive: Whether sub-directories are looked into.
        follow_symlinks: Whether links count as what they point to, outside the root too. A
            directory is listed once however many links lead to it, under its real path if that
            is in the folder. If false, nothing is ever read through a link.
        inner_roots: Absolute paths of deeper folders, which are not descended into.
        trust_mtimes: Whether a directory may be skipped because its mtime did not move; only on
            local file systems that keep it (`mounts.keeps_mtimes`).
        trust_attributes: False: open each video before its attributes are believed, as network
            file systems need (`mounts.is_network`).
        wall: The wall clock, in seconds, to compare directory mtimes with.
    """

    def __init__(  # noqa: PLR0913 - settings of the folder, by keyword
        self,
        root: str,
        names: NameRules,
        *,
        recursive: bool = True,
        follow_symlinks: bool = False,
        inner_roots: frozenset[str] = frozenset(),
        trust_mtimes: bool = False,
        trust_attributes: bool = True,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.root = "/" + root.strip("/")
        inner = map(self.relative, inner_roots)
        self._view = View(
            root=self.root,
            names=names,
            looker=Looker(follow_symlinks=follow_symlinks, trust_attributes=trust_attributes),
            recursive=recursive,
            follow_symlinks=follow_symlinks,
            inner=frozenset(path for path in inner if path),
            trust_mtimes=trust_mtimes,
            wall=wall,
        )
        self._memory = Memory()

    def scan(
        self,
        *,
        full: bool = False,
        stop: threading.Event,
        below: str | None = None,
        beat: Callable[[], None] = _nobody,
        others: frozenset[tuple[int, int]] = frozenset(),
    ) -> ScanPass:
        """Begin one pass: iterate over it to its end, then read its `report`.

        Nothing is skipped in the first pass, after `distrust`, after a pass whose root was not ok,
        and when the root is another directory than before.

        Args:
            full: List every directory and stat every video, whatever the mtimes say.
            stop: Ends the pass before its next directory, incomplete.
            below: Absolute path of a directory in the folder; only it and what is in it. Whether
                it is to be descended into at all is for `verdict` to say.
            beat: Called again and again while the disk answers.
            others: Device and inode of other folders' roots, which are left to their own scans by
                whatever path they are met (a bind mount).

        Raises:
            ValueError: `below` is not in the folder.
        """
        start = "" if below is None else self.relative(below)
        if start is None:
            raise ValueError(f"{below} is not in {self.root}")
        return ScanPass(
            self._view, self._memory, full=full, stop=stop, start=start, beat=beat, others=others
        )

    def look(self, paths: Iterable[str]) -> list[Entry]:
        """Look at these absolute paths now, for hints and second looks.

        Says of each what a scan would, in the order asked; what is not this folder's and names
        that are not ours are left out. A directory to be descended into is an entry as well.
        `VANISHED` is said of any name, and only if the root could be opened: a missing root is an
        error of every path.
        """
        ours = [path for path in paths if self._mine(path)]
        answers: dict[str, Entry | None] = {}
        try:
            with Descent(self.root, follow_symlinks=self._view.follow_symlinks) as descent:
                for path in sorted(ours):  # neighbours share their directories' descriptors
                    answers[path] = self._look(descent, path)
        except OSError as error:
            _, detail = root_trouble(self.root, error)
            answers = {path: self._as_ours(Entry(path, None, error=detail)) for path in ours}
        return [entry for path in ours if (entry := answers[path]) is not None]

    def verdict(self, path: str, *, is_dir: bool = False) -> Verdict | None:
        """Judge an absolute path by its name and its parents' names.

        None: it is not this folder's: outside, in a deeper folder, below a folder that is not
        recursive, or the root itself.
        """
        if not self._mine(path):
            return None
        return self._view.names.classify_path(self.relative(path) or "", is_dir=is_dir)

    def relative(self, path: str) -> str | None:
        """The path below the root, "" for the root itself; None: outside, or with `..` in it."""
        if path == self.root:
            return ""
        prefix = self.root if self.root == "/" else f"{self.root}/"
        below = path.removeprefix(prefix)
        if not path.startswith(prefix) or not {"", ".", ".."}.isdisjoint(below.split("/")):
            return None
        return below

    def distrust(self) -> None:
        """Forget all directory mtimes: after a mount, a re-armed watcher, a lost event."""
        self._memory.forget()

    def _mine(self, path: str) -> bool:
        """Whether a path belongs to this folder rather than to none or a deeper one."""
        relative = self.relative(path)
        if not relative or (not self._view.recursive and "/" in relative):
            return False
        inner = self._view.inner | self._view.others
        return relative not in inner and not any(relative.startswith(f"{i}/") for i in inner)

    def _look(self, descent: Descent, path: str) -> Entry | None:
        parent, _, name = (self.relative(path) or "").rpartition("/")
        try:
            directory = descent.to(parent)
        except (FileNotFoundError, NotADirectoryError):
            return Entry(path, None, error=VANISHED)
        except OSError as error:
            return self._as_ours(Entry(path, None, error=error_words(error)))
        return self._as_ours(self._view.looker.entry(directory, name, path, refused=False))

    def _as_ours(self, entry: Entry) -> Entry | None:
        """Judge what was seen by its name, as a scan does."""
        if entry.error == VANISHED:
            return entry
        verdict = self.verdict(entry.path, is_dir=entry.kind is EntryKind.DIRECTORY)
        if verdict is None or isinstance(verdict, Ignored):
            return None
        return replace(entry, refused_extension=isinstance(verdict, Refused))
