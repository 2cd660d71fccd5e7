"""The mark: "the last byte may go out now", made durable before a worker hands it on (rules R1).

Until the mark is on disk the whole suffix of the body is held back, so what ends without it was
certainly not accepted. The content's full hash comes with the question, for all of it has been read
by then: it is recorded with the mark, so that even an upload whose answer is lost is known by its
content, and a content that is paid already gets no mark at all.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.daemon.messages import MarkWanted
from ingestd.errors import JournalError
from ingestd.journal import DiskFullError
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Item, Send

#: How long a worker waits for its mark (rules R1), seconds.
MARK_PATIENCE_S = 30.0
#: A row with this content in one of these may be paid, or is not to be uploaded: no second body.
KNOWN = frozenset({State.UPLOADING, State.CONFIRMING, State.INDEXING, State.PARSED, State.SKIPPED})


class Marks:
    """Asks for marks in the workers, grants them in the loop."""

    def __init__(
        self, ctx: Context, keeper: Gatekeeper, may_finish: Callable[[int], Send | None]
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            keeper: the gates.
            may_finish: gives the attempt of a send id if it is under way and not told to stop.
        """
        self._ctx, self._keeper, self._may_finish = ctx, keeper, may_finish
        self._loop = threading.get_ident()

    def ask(self, send_id: int, content_hash: str) -> bool:
        """Ask the loop for a mark; runs in the worker."""
        if threading.get_ident() == self._loop:
            return self._grant(send_id, content_hash)
        granted = threading.Event()
        answers: list[bool] = []

        def answer(yes: bool) -> None:  # noqa: FBT001 - the one thing it says
            answers.append(yes)
            granted.set()

        self._ctx.inbox.post(MarkWanted(send_id, content_hash, answer))
        granted.wait(MARK_PATIENCE_S)
        # what the loop grants after this is never acted on: the worker has gone by then,
        # and a mark without a finished body only means that the far side is asked
        return bool(answers) and answers[0]

    def wanted(self, message: MarkWanted) -> None:
        """Record that the last byte may go out now, then say so."""
        message.answer(self._grant(message.send_id, message.content_hash))

    def _grant(self, send_id: int, content_hash: str) -> bool:
        send = self._may_finish(send_id)
        if send is None:
            return False
        try:
            return self._record(send, content_hash)
        except DiskFullError as error:
            self._keeper.not_recorded(error)
        except JournalError as error:
            self._ctx.log.warning("journal.trouble", detail=str(error))
        return False

    def _record(self, send: Send, content_hash: str) -> bool:
        journal, wall = self._ctx.journal, self._ctx.now.wall
        item = journal.item(send.item_id)
        if item is None:
            return False
        twin = self._twin(item, content_hash)
        with journal.transaction():
            suspect_of = twin.id if twin else None
            known = replace(item, content_hash=content_hash, suspect_of=suspect_of)
            journal.revise(item, known, wall)
            if twin is None:
                journal.mark_send(send.id, wall)
        return twin is None

    def _twin(self, item: Item, content_hash: str) -> Item | None:
        """Another row that holds this very content: the last look before money is spent."""
        if item.pay_again or not self._ctx.settings.upload.dedupe:
            return None
        twins = self._ctx.journal.twins(item, content_hash)
        return next((row for row in twins if _may_be_paid(row)), None)


def _may_be_paid(row: Item) -> bool:
    doubtful = row.state is State.HELD and row.reason is Reason.UNCONFIRMED
    return row.state in KNOWN or row.video_no is not None or doubtful
