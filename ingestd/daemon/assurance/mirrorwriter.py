"""What is written to the mirror: an attempt's intent before its mark, its result before the loop.

The methods below run in the workers and wait for the mirror's disk, which may be a share that
hangs; only its own attempt waits with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.messages import MirrorTrouble
from ingestd.mirror import (
    Ended,
    Intent,
    MirrorAwayError,
    MirrorError,
    MirrorFullError,
    Result,
)
from ingestd.remote.contract import Accepted, Refused, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.mirror import Fact, Mirror
    from ingestd.model import Item, Send
    from ingestd.remote.contract import Outcome


class MirrorWriter:
    """Writes the facts of attempts."""

    def __init__(self, ctx: Context, give_room: Callable[[], bool]) -> None:
        """Take a context of which only clock and inbox are used, and what frees the reserve."""
        self._ctx, self._give_room = ctx, give_room
        self.mirror: Mirror | None = None  # None: it cannot be used now, or not yet
        self.blocked = False  # the journal does not know all that the mirror knows
        self.open: set[str] = set()  # attempts whose intent is written and whose end is not
        self.named: set[str] = set()  # videos that are written and not yet in the journal

    def intend(self, item: Item, send: Send, content_hash: str) -> bool:
        """Write that the last byte of an attempt may go out soon; False: it may not.

        Comes before the loop is asked for the mark (rules R8).
        """
        mirror, key = self.mirror, send.key
        if mirror is None or key is None or self.blocked:
            return False
        try:
            mirror.append(_intent(item, send, key, content_hash))
        except MirrorError as error:
            self._tell(error)
            return False
        self.open.add(key)
        return True

    def ended(self, send: Send, outcome: Outcome) -> None:
        """Write how an attempt ended, before the loop hears of it."""
        key, at = send.key, self._ctx.now.wall
        if key is None or key not in self.open or isinstance(outcome, Unknown):
            return
        if isinstance(outcome, Accepted):
            self.named.add(outcome.video_no)
            self.write(Result(key, outcome.video_no, at))
        else:
            word = "refused" if isinstance(outcome, Refused) else "not_sent"
            self.write(Ended(key, word, at))
        self.open.discard(key)

    def write(self, fact: Fact) -> None:
        """Write what must be known later; on a full disk with the reserve's room."""
        mirror = self.mirror
        if mirror is None:
            self._tell(MirrorAwayError("The file of what was paid is not open."), lost=True)
            return
        try:
            self._append(mirror, fact)
        except MirrorError as error:  # the journal will know it all the same
            self._tell(error, lost=True)

    def _append(self, mirror: Mirror, fact: Fact) -> None:
        try:
            mirror.append(fact)
        except MirrorFullError:
            if not self._give_room():
                raise
            mirror.append(fact)

    def _tell(self, error: MirrorError, *, lost: bool = False) -> None:
        full = isinstance(error, MirrorFullError)
        self._ctx.inbox.post(MirrorTrouble(str(error), full=full, lost=lost))


def _intent(item: Item, send: Send, key: str, content_hash: str) -> Intent:
    return Intent(
        key=key,
        name=send.upload_name,
        size=send.size,
        sample=item.fingerprint or "",
        content_hash=content_hash,
        scope=send.scope,
        watermark=send.watermark,
        at=send.at,
        account=item.account,
        path=item.path,
        mtime_ns=item.stat.mtime_ns if item.stat else 0,
        folder=item.folder,
        container=item.container.value if item.container else None,
        codec=item.codec,
        duration_s=item.duration_s,
    )
