"""Why a path has no row: asked of the running daemon, or told from the rules without one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.cli import live
from ingestd.cli.patience import Unanswered, patiently
from ingestd.config import nearest_folder
from ingestd.watch.cameras import words_for
from ingestd.watch.names import Ignored, IgnoredKind, Refused

if TYPE_CHECKING:
    from ingestd.cli.session import Session
    from ingestd.config import Folder, Settings

SETTLING = "settling"
IGNORED = "ignored"
UNWATCHED = "unwatched"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known of a path without a row."""

    state: str  # settling, ignored, unwatched or unknown
    detail: str
    exists: bool


def explain(session: Session, path: str) -> Explained:
    """Explain an absolute path that the journal has no row of."""
    try:
        exists = patiently(lambda: os.path.lexists(path))
    except Unanswered:
        text = "Its disk or share does not answer: is the server there? See: ingestd status"
        return Explained(UNKNOWN, text, exists=True)
    told = live.ask(session.state_dir, {"ask": "explain", "path": path})
    if told is not None and told.get("away"):
        return Explained(UNKNOWN, str(told.get("detail") or ""), exists=exists)
    if not exists:
        return Explained(
            UNKNOWN, "Nothing lies at this path, and the journal does not know it.", exists=False
        )
    state, detail = by_rules(session.settings, path)
    if told is not None and isinstance(told.get("state"), str) and told["state"] != state:
        return Explained(str(told["state"]), str(told.get("detail") or ""), exists=True)
    if state == UNKNOWN and live.held_by(session.state_dir) is None:
        detail += " ingestd is not running; it looks at it at its next start: ingestd run"
    return Explained(state, detail, exists=True)


def by_rules(settings: Settings, path: str) -> tuple[str, str]:
    """Explain by configuration and name alone; the state and a sentence."""
    from ingestd.daemon.after.places import LIES_THERE, moved_below  # noqa: PLC0415 - as below

    if (place := moved_below(settings, path)) is not None:
        return IGNORED, LIES_THERE.format(place)
    folder = nearest_folder(settings, path)
    if folder is None:
        return UNWATCHED, (
            "It lies in no watched folder. Add its folder to the configuration, or take it once "
            "with: ingestd add PATH"
        )
    if path == str(folder.path):
        return UNKNOWN, f"This is the watched folder {folder.name} itself."
    return _in_folder(settings, folder, path)


def _in_folder(settings: Settings, folder: Folder, path: str) -> tuple[str, str]:
    from ingestd.daemon.intake.folders import name_rules  # noqa: PLC0415 - only for a path without a row

    relative = os.path.relpath(path, folder.path)
    if not folder.recursive and "/" in relative:
        return UNWATCHED, (
            f"It lies in a sub-folder of {folder.name}, which is watched without them "
            "(recursive: false)."
        )
    verdict = name_rules(settings, folder).classify_path(relative, is_dir=os.path.isdir(path))  # noqa: PTH112 - odd bytes
    if isinstance(verdict, Ignored):
        return IGNORED, _ignored(verdict, folder)
    if isinstance(verdict, Refused):
        return UNKNOWN, (
            f"memories.ai takes no {verdict.extension} files: it will be listed as rejected. "
            "Convert it to MP4 (H.264 or HEVC), or exclude it."
        )
    return UNKNOWN, f"Its name is one that folder {folder.name} takes, but it has no row yet."


def _ignored(verdict: Ignored, folder: Folder) -> str:
    match verdict.kind:
        case IgnoredKind.JUNK:
            return (
                f"Ignored as junk ({verdict.rule}); junk: false for folder {folder.name} takes it."
            )
        case IgnoredKind.EXCLUDED:
            return f"Ignored by the configuration of folder {folder.name} ({verdict.rule})."
        case IgnoredKind.EXTENSION:
            known = words_for(verdict.rule)
            beside = f" Cameras write it beside their clips: {known}." if known else ""
            return f"Ignored: {verdict.rule} is no extension of a video.{beside}"
