"""Videos that `recover` found by their names: the file of one is that video, and is not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.lifecycle import events
from ingestd.model import Reason, State
from ingestd.naming import token_of

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.journal import Found
    from ingestd.model import Item, Scope


def is_known(ctx: Context, item: Item, upload_name: str, scope: Scope) -> bool:
    """Adopt or hold a row whose video was found before its file; tell whether it was one.

    Token and size are proof, as before any upload (rules R2); where the far side did not say the
    size, a person decides.
    """
    token = token_of(upload_name) or (item.fingerprint or "")[:8]
    if item.pay_again or item.stat is None or not ctx.settings.upload.dedupe:
        return False
    videos = ctx.journal.found_for(token, item.stat.size, str(scope))
    if not videos:
        return False
    if videos[0].size is None:
        _hold(ctx, item, videos[0])
    else:
        _adopt(ctx, item, upload_name, videos)
    return True


def _adopt(ctx: Context, item: Item, upload_name: str, videos: tuple[Found, ...]) -> None:
    video = videos[0]
    detail = "memories.ai has it since before the journal was lost: nothing is sent or paid again."
    others = [other.video_no for other in videos[1:] if other.size is not None]
    if others:
        detail += f" It was paid more than once; also there: {', '.join(others)}."
    with ctx.journal.transaction():
        ctx.journal.remove_found(video.video_no)
        claimed = ctx.apply(item, events.Claimed(upload_name, video.scope))
        ctx.apply(claimed, events.TakenIn(video.video_no, None, "found", detail))


def _hold(ctx: Context, item: Item, video: Found) -> None:
    detail = (
        f"memories.ai has {video.video_no} ({video.name}), whose name says that it is this file, "
        "but does not say its size. Look at it there. If it is this one: "
        f"ingestd link {item.id} {video.video_no}. If not: ingestd approve {item.id}"
    )
    with ctx.journal.transaction():
        ctx.journal.remove_found(video.video_no)  # its row names it: a person's yes is not undone
        ctx.apply(item, events.Judged(State.HELD, Reason.UNCONFIRMED, detail))
