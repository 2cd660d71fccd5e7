"""How our uploads are recognised at the far side, and what was learnt about that (rules R2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd import evidence
from ingestd.naming import stem_of, token_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.daemon.context import Context
    from ingestd.journal import Journal
    from ingestd.model import Item, Send, Video

#: Meta key: does the far side show our names? True, False, or absent: not seen yet.
NAMES_SHOWN = "names_shown"
#: Meta key: do rows of the list tell sizes? Like the above.
SIZES_SHOWN = "sizes_shown"
#: Meta key: how late an accepted upload was shown, seconds; and what is never exceeded.
SHOWN_LATE, LATE_MOST_S = "shown_late", 3600.0
#: Meta key: the scopes in whose list one of our own uploads was seen.
SCOPES_SEEN = "scopes_seen"


#: Part of what history says of a video that no name proves to be ours: its file is never deleted.
BY_SIZE = "It is known by its size alone, for names are not shown: its file is never deleted."


def how_known(video: Video) -> str:
    """What is to be said of a found video, after the rest; "": its name proves it."""
    return "" if token_of(stem_of(video.name or "")) else f" {BY_SIZE}"


def linked_elsewhere(journal: Journal, item_id: int, numbers: Iterable[str]) -> frozenset[str]:
    """Which of these videos belong to other rows: they prove nothing for this one (rules R2)."""
    owners = {number: journal.by_video_no(number) for number in numbers}
    return frozenset(
        number for number, owner in owners.items() if owner is not None and owner.id != item_id
    )


def is_of(send: Send, item: Item) -> bool:
    """Tell whether an attempt sent what its row is about.

    The row of a file that was gone is that of whatever came to its path since (rules R6).
    """
    size = item.stat.size if item.stat else None
    return send.size == size and token_of(stem_of(send.upload_name)) in (
        None,
        (item.fingerprint or "")[:8],
    )


def is_lookalikes(ctx: Context, item: Item) -> bool:
    """Tell whether a video with a row's token may be the lost upload of another content.

    What shares its sample shares its token (rules R4), and an upload that nobody looks for any more
    may be shown late.
    """
    if item.stat is None or item.fingerprint is None:
        return False
    lost = {row for row, _ in ctx.journal.unresolved_sizes()}
    return any(
        row.id in lost and row.id != item.id and row.content_hash != item.content_hash
        for row in ctx.journal.same_content(item.stat.size, item.fingerprint)
    )


def lost_was_found(ctx: Context, item: Item) -> None:
    """A row's video is known: the answer that its last attempt lost said so (rules R2)."""
    send = ctx.journal.last_send(item.id)
    if send is not None and send.outcome in (None, "unknown") and is_of(send, item):
        ctx.journal.end_send(send.id, ctx.now.wall, "found")


def learn_name(ctx: Context, upload_name: str, stored: str | None) -> None:
    """One of our uploads is stored under this name: is it ours, or a hash?"""
    if stored is None:
        return
    _learn(ctx, NAMES_SHOWN, value=evidence.shows(stored, sought_as(upload_name, 0)))


def learn_listed(ctx: Context, listed: Iterable[Video]) -> None:
    """Rows of a list: do they tell sizes? One that does suffices, for new ones may tell later.

    A name in our token's shape is the name of some upload of an ingestd, shown as it was sent.
    """
    videos = tuple(listed)
    if videos:
        _learn(ctx, SIZES_SHOWN, value=any(video.size is not None for video in videos))
    if ctx.journal.meta(NAMES_SHOWN) is None and any(
        video.name is not None and token_of(stem_of(video.name)) for video in videos
    ):
        _learn(ctx, NAMES_SHOWN, value=True)


def _learn(ctx: Context, key: str, *, value: bool) -> None:
    if ctx.journal.meta(key) is not value:
        ctx.journal.set_meta(key, value)


def learn_lateness(ctx: Context, item: Item) -> None:
    """An accepted upload is not shown yet: so late may a lost one come up too."""
    if item.uploaded_at is None:
        return
    late = min(ctx.now.wall - item.uploaded_at, LATE_MOST_S)
    if late > shown_late(ctx):
        ctx.journal.set_meta(SHOWN_LATE, round(late, 1))


def shown_late(ctx: Context) -> float:
    """The longest time after an acceptance that a video was seen not to be shown, seconds."""
    kept = ctx.journal.meta(SHOWN_LATE)
    return float(kept) if isinstance(kept, int | float) else 0.0


def what_is_shown(ctx: Context) -> evidence.Shown:
    """How the far side shows our uploads, as far as that is known."""
    names, sizes = ctx.journal.meta(NAMES_SHOWN), ctx.journal.meta(SIZES_SHOWN)
    return evidence.Shown(
        names if isinstance(names, bool) else None, sizes if isinstance(sizes, bool) else None
    )


def scopes_seen(ctx: Context) -> list[str]:
    """Scopes in whose list one of our own uploads was seen: they are the right ones."""
    seen = ctx.journal.meta(SCOPES_SEEN, [])
    return [str(one) for one in seen] if isinstance(seen, list) else []


def learn_scope(ctx: Context, scope: str) -> None:
    """One of our uploads was seen in this scope's list."""
    seen = scopes_seen(ctx)
    if scope and scope not in seen:
        ctx.journal.set_meta(SCOPES_SEEN, [*seen, scope])


def sought_as(name: str, size: int) -> evidence.Sought:
    """What to look for at the far side: an upload of this name and size."""
    stem = stem_of(name)
    return evidence.Sought(stem, size, token_of(stem))
