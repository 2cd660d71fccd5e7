"""Directories that after-actions fill: never watched, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.watch.volumes import read_volume

if TYPE_CHECKING:
    from ingestd.config import Folder, Settings
    from ingestd.journal import Journal, JournalReader
    from ingestd.watch.volumes import Volume

#: Meta key: the file system of each `move_to`, by path.
META = "after_places"

LIES_THERE = (
    "It lies below {}, where after-actions move files to: what lies there is not taken. To take it "
    "all the same: ingestd add PATH"
)


def move_targets(settings: Settings) -> frozenset[str]:
    """Every `move_to`: what lies there was taken before (interface 4)."""
    return frozenset[str]().union(*map(folder_targets, settings.folders))


def folder_targets(folder: Folder) -> frozenset[str]:
    """Every `move_to` of one folder."""
    actions = (folder.after_parsed, folder.after_duplicate, folder.after_rejected)
    return frozenset(str(action.move_to) for action in actions if action.move_to is not None)


def known_place(journal: JournalReader, place: str) -> Volume | None:
    """The file system that a `move_to` was on at its first use; None: it was not used yet."""
    return read_volume(_places(journal).get(place))


def learn_place(journal: Journal, place: str, volume: Volume) -> None:
    """Remember it."""
    journal.set_meta(META, {**_places(journal), place: volume.document()})


def forget_places(journal: Journal, folder: Folder) -> None:
    """A person trusts what is there now: the next use says which it is."""
    known = _places(journal)
    left = {place: told for place, told in known.items() if place not in folder_targets(folder)}
    if left != known:
        journal.set_meta(META, left)


def _places(journal: JournalReader) -> dict[str, object]:
    known = journal.meta(META, {})
    return {str(place): told for place, told in known.items()} if isinstance(known, dict) else {}


def moved_below(settings: Settings, path: str) -> str | None:
    """The `move_to` that a path is or lies below; None: none."""
    return next((one for one in move_targets(settings) if f"{path}/".startswith(f"{one}/")), None)
