"""What lies at paths now: folders walked by the rules of their watched folder, files looked at."""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.cli import words
from ingestd.cli.disks import known_disks
from ingestd.cli.patience import Unanswered, patiently, stream
from ingestd.config import Folder, nearest_folder
from ingestd.daemon.intake.folders import scanner_for
from ingestd.watch.entries import VANISHED, Entry
from ingestd.watch.guard import Guard
from ingestd.watch.mounts import read_mounts
from ingestd.watch.names import Ignored
from ingestd.watch.volumes import volume_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingestd.config import Settings
    from ingestd.watch.entries import ScanReport
    from ingestd.watch.scan import Scanner


@dataclass(frozen=True, slots=True)
class Found:
    """A video's name that lies there."""

    folder: Folder  # the watched folder, or one with defaults made for this walk
    entry: Entry
    ignored: str = ""  # why a file that was named is not ours


@dataclass(slots=True)
class Walked:
    """What a walk counted beside the files it handed out."""

    ignored_by: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)  # sentences

    def take(self, folder: Folder, report: ScanReport) -> None:
        """Add how one pass went."""
        self.ignored_by.update(report.ignored_by)
        if report.detail:
            self.troubles.append(f"{words.printable(folder.name)}: {report.detail}")
        for trouble in report.troubles:
            self.troubles.append(f"{words.printable(trouble.path)}: {trouble.error}")


def walk(
    settings: Settings, paths: Iterable[str], walked: Walked, *, everything: bool
) -> Iterator[Found]:
    """Walk absolute paths, one after the other.

    Args:
        settings: whose folders give the rules; elsewhere the defaults apply.
        paths: directories, walked whole, or files.
        walked: takes up what else is to be said.
        everything: of a directory that holds watched folders also what lies beside them.
    """
    roots = {str(folder.path) for folder in settings.folders}
    for path in paths:
        if path in roots or _is_directory(path):
            for folder, below in _parts(settings, path, everything=everything):
                make = partial(_pass, settings, folder, below, walked)
                yield from _answering(below or str(folder.path), walked, make)
        else:
            yield from _answering(path, walked, partial(_file, settings, path, walked))


def _is_directory(path: str) -> bool:
    """Tell whether a path leads to a directory; one that does not answer is none."""
    try:
        return patiently(lambda: os.path.isdir(path))  # noqa: PTH112 - odd bytes
    except Unanswered:
        return False


def _answering(
    path: str, walked: Walked, make: Callable[[Callable[[], None]], Iterator[Found]]
) -> Iterator[Found]:
    """Hand out what lies there, as long as its disk or share answers."""
    try:
        yield from stream(make)
    except Unanswered:
        walked.troubles.append(
            f"{words.printable(path)} does not answer: is its server or disk there? What lies "
            "there is not, or not wholly, in this list."
        )


def _parts(
    settings: Settings, path: str, *, everything: bool
) -> Iterator[tuple[Folder, str | None]]:
    """The folders whose rules apply to a directory, and where in them to begin."""
    around = nearest_folder(settings, path)
    inner = [one for one in settings.folders if one.path.is_relative_to(path)]
    if around is not None and around not in inner:
        yield around, path
    elif around is None and (everything or not inner):
        yield Folder(path=Path(path)), None
    for folder in inner:
        yield folder, None


def _pass(
    settings: Settings,
    folder: Folder,
    below: str | None,
    walked: Walked,
    beat: Callable[[], None],
) -> Iterator[Found]:
    if trouble := _another_disk(settings, folder):
        walked.troubles.append(f"{words.printable(folder.name)}: {trouble}")
        return
    scanner = _scanner(settings, folder)
    scan = scanner.scan(full=True, stop=threading.Event(), below=below, beat=beat)
    for listing in scan:
        for entry in sorted(listing.entries, key=lambda one: one.path):
            yield Found(folder, entry)
    walked.take(folder, scan.report)


def _another_disk(settings: Settings, folder: Folder) -> str:
    """Say so where another file system lies at a folder's path than the daemon knows there."""
    root = str(folder.path)
    known = known_disks(settings.state_dir).get(root)
    try:
        return Guard(folder.name, known, folder.removable).verdict(root, volume_at(root))[1]
    except OSError:  # no folder: the scan says which
        return ""


def _file(
    settings: Settings, path: str, walked: Walked, _beat: Callable[[], None]
) -> Iterator[Found]:
    folder = nearest_folder(settings, path) or Folder(path=Path(path).parent)
    scanner = _scanner(settings, folder)
    for entry in scanner.look([path]):
        if entry.stat is None and entry.error:
            walked.troubles.append(f"{words.printable(path)}: {_gone(entry.error)}")
        else:
            yield Found(folder, entry)
        return
    verdict = scanner.verdict(path)
    rule = verdict.rule if isinstance(verdict, Ignored) else "folders below are not watched"
    yield Found(folder, Entry(path, None), ignored=rule)


def _gone(error: str) -> str:
    return "there is no such file" if error == VANISHED else error


def _scanner(settings: Settings, folder: Folder) -> Scanner:
    mount = read_mounts().of(os.path.realpath(folder.path))
    return scanner_for(settings, folder, mount.fstype if mount else "")
