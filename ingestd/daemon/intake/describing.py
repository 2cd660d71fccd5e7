"""With which fields, and so into which scope, a file goes from a path."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd import fields
from ingestd.config import Fields
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.model import Item, Stat

#: States in which the fields of an attempt are on their way.
SENDING = frozenset({State.UPLOADING, State.CONFIRMING})


class Describing:
    """Fills in the fields that the configuration gives a path."""

    def __init__(self, ctx: Context, folder_of: Callable[[str], Folder | None]) -> None:
        """Take the room; `folder_of` names the watched folder that a path lies in, if any."""
        self._ctx, self._folder_of = ctx, folder_of

    def fields_at(self, path: str, stat: Stat, folder: Folder | None) -> dict[str, object]:
        """The fields of a file at a path, as they will be sent."""
        context = fields.Context(
            path=path,
            root=str(folder.path) if folder else str(Path(path).parent),
            folder=folder.name if folder else Path(path).parent.name,
            date=time.strftime("%Y-%m-%d", time.localtime(stat.mtime_ns / 1e9)),
            host=self._ctx.host,
        )
        return fields.resolve(folder.fields if folder else Fields(), context)

    def scope_at(self, path: str, item: Item) -> str | None:
        """The scope with which a row's file would go from another path."""
        if item.stat is None:
            return None
        resolved = self.fields_at(path, item.stat, self._folder_of(path))
        return str(fields.scope_of(resolved, self._ctx.settings.api.scope.value))

    def renamed(self, item: Item, path: str, stat: Stat) -> Item:
        """A row under its new path; what is still to be sent goes with the fields of that path."""
        folder = self._folder_of(path)
        sent = item.video_no is not None or item.state in SENDING
        return replace(
            item,
            path=path,
            folder=folder.name if folder else None,
            stat=stat,
            fields=item.fields if sent else self.fields_at(path, stat, folder),
        )
