"""What the journal knows, as facts of the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.journal import Selection
from ingestd.mirror import Paid, Skipped
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.journal import JournalReader
    from ingestd.mirror import Fact
    from ingestd.model import Item


def facts_of(journal: JournalReader) -> Iterator[Fact]:
    """All that the journal knows as paid or skipped: what a mirror begins with."""
    # of every state: what failed to be indexed and was skipped then is paid as well
    for item in journal.items(Selection(hidden=True)):
        if item.video_no is not None:
            yield had(item)
        elif item.state is State.SKIPPED and (fact := skipped(item, item.updated_at)) is not None:
            yield fact
    for found in journal.all_found():
        yield Paid(
            video_no=found.video_no,
            name=found.name,
            size=found.size,
            sample=None,
            scope=found.scope,
            content_hash=None,
            at=found.created_at or 0.0,
            account=found.account,
            path="",
            mtime_ns=0,
            folder=None,
            duration_s=None,
        )


def had(item: Item) -> Paid:
    """The fact of a row that is paid."""
    return Paid(
        video_no=item.video_no or "",
        name=item.upload_name or "",
        size=item.stat.size if item.stat else None,
        sample=item.fingerprint,
        scope=item.scope or "",
        content_hash=item.content_hash,
        at=item.uploaded_at or 0.0,
        account=item.account,
        path=item.path,
        mtime_ns=item.stat.mtime_ns if item.stat else 0,
        folder=item.folder,
        duration_s=item.duration_s,
    )


def skipped(item: Item, at: float, *, wanted: bool = False) -> Skipped | None:
    """The fact of a row that was skipped, or is `wanted` again; None: its content is not known."""
    if item.stat is None or item.fingerprint is None:
        return None
    return Skipped(
        size=item.stat.size,
        sample=item.fingerprint,
        scope=item.scope,
        content_hash=item.content_hash,
        at=at,
        account=item.account,
        path=item.path,
        mtime_ns=item.stat.mtime_ns,
        folder=item.folder,
        duration_s=item.duration_s,
        wanted=wanted,
    )
