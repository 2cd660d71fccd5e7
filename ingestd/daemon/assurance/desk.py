"""Nothing is sent until it is known that the journal knows all that was paid (rules R3, R8).

Three questions, each with a desk: does the mirror know more, does the far side, and is the key of
the account that we know? Looking at files goes on meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.assurance.account import Account
from ingestd.daemon.assurance.mirroring import Mirroring
from ingestd.daemon.assurance.strangers import Strangers
from ingestd.model import GateName

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.asking.lane import Asking
    from ingestd.daemon.context import Context
    from ingestd.daemon.messages import AccountAsked, FirstPage, MirrorChecked, MirrorTrouble
    from ingestd.daemon.sending.gatekeeper import Gatekeeper

#: The words of `resume` for the gate `journal`; nobody can say the first one: `recover` opens it.
RECOVER, FOREIGN_OK = "recover", "foreign_ok"


class Assurance:
    """The desk that keeps the gate `journal`."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        asking: Asking,
        is_under_way: Callable[[int], bool],
    ) -> None:
        """Take the desk; `is_under_way` tells whether a row's attempt has a worker now."""
        self._ctx, self._keeper, self.asking = ctx, keeper, asking
        self.mirroring = Mirroring(ctx, is_under_way)
        self.strangers = Strangers(ctx, asking)
        self.account = Account(ctx, keeper, asking)
        asking.may_ask = lambda: self.account.verified
        keeper.has_room = self.mirroring.keep_room
        if not self.mirroring.keep_room():
            keeper.disk_full(str(ctx.settings.state_dir))

    @property
    def waits(self) -> bool:
        """Tell whether an answer is still awaited without which nothing may be sent."""
        ready = self.mirroring.ready and self.account.verified
        return not ready or self.strangers.pending

    def tick(self) -> float | None:
        """Ask what is not known yet; say when to come again (monotonic)."""
        said = self.mirroring.trouble
        turns = (self.mirroring.tick(), self.account.tick(), self.strangers.tick())
        if self.mirroring.trouble != said:
            self.settle()
        return min((at for at in turns if at is not None), default=None)

    def mirror_checked(self, message: MirrorChecked) -> None:
        """The mirror was compared with the journal."""
        self.mirroring.checked(message)
        if message.full or (self.mirroring.ready and not self.mirroring.keep_room()):
            self._keeper.disk_full(str(self.mirroring.directory))
        self.settle()

    def mirror_broke(self, message: MirrorTrouble) -> None:
        """A worker could not write to the mirror."""
        self.mirroring.broke(message)
        if message.full:
            self._keeper.disk_full(str(self.mirroring.directory))
        self.settle()

    def first_page(self, message: FirstPage) -> None:
        """The newest videos of a scope were read."""
        self.strangers.read(message)
        self.settle()

    def account_asked(self, message: AccountAsked) -> None:
        """The far side was asked whether it knows our last videos."""
        self.account.asked(message)

    def settle(self) -> None:
        """Close or open the gate by what is known now."""
        mirror, strangers = self.mirroring.trouble, self.strangers.trouble
        if mirror or strangers:
            detail = ". ".join(filter(None, (mirror, strangers)))
            self._keeper.hold(
                GateName.JOURNAL, detail=detail, asks=RECOVER if mirror else FOREIGN_OK
            )
        elif self.mirroring.ready and not self.strangers.pending:
            self._keeper.open(GateName.JOURNAL)

    def say(self, said: frozenset[str]) -> None:
        """Act on the words of `resume`."""
        if FOREIGN_OK in said:
            self.strangers.accept()
        self.account.say(said)
        self.settle()

    def reconfigure(self) -> None:
        """Follow changed settings."""
        self.mirroring.reconfigure()
