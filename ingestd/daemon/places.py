"""Directories that after-actions fill: never watched, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.config import Settings

LIES_THERE = (
    "It lies below {}, where after-actions move files to: what lies there is not taken. To take it "
    "all the same: ingestd add PATH"
)


def move_targets(settings: Settings) -> frozenset[str]:
    """Every `move_to`: what lies there was taken before (interface 4)."""
    actions = (
        action
        for folder in settings.folders
        for action in (folder.after_parsed, folder.after_duplicate, folder.after_rejected)
    )
    return frozenset(str(action.move_to) for action in actions if action.move_to is not None)


def moved_below(settings: Settings, path: str) -> str | None:
    """The `move_to` that a path is or lies below; None: none."""
    return next((one for one in move_targets(settings) if f"{path}/".startswith(f"{one}/")), None)
