"""Videos at the far side that are ours by their names and that the journal does not know.

Newer than our newest attempt, they say that the journal is older than the library: a restored
backup, a snapshot, or a second machine (rules R3): nothing is sent until a person has decided.
Older ones say that it may lack more: every first attempt then asks for its name, however small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ingestd import fields
from ingestd.daemon.asking import jobs
from ingestd.daemon.messages import FirstPage
from ingestd.model import Scope
from ingestd.naming import token_of
from ingestd.remote.contract import Failed, Refusal, Trouble

if TYPE_CHECKING:
    from ingestd.daemon.asking.lane import Asking
    from ingestd.daemon.context import Context
    from ingestd.model import Video

LANE: Final = "ask"
#: Meta key: a person said that others upload to this account too.
FOREIGN_OK: Final = "foreign_ok"
#: Meta key: the scopes in which such videos were seen.
SCOPES: Final = "scopes_with_strangers"
#: The scopes of so many of the newest attempts are looked at when the daemon starts.
ATTEMPTS: Final = 500
#: A page that could not be read is asked for again after seconds, at first and at most.
AGAIN_S, AGAIN_MOST_S = 5.0, 300.0


class Strangers:
    """The desk that reads the first page of each scope."""

    def __init__(self, ctx: Context, asking: Asking) -> None:
        self._ctx, self._asking = ctx, asking
        self._judged: set[tuple[int, str]] = set()  # by account
        self._newer: dict[str, tuple[int, str]] = {}  # by scope: how many, and one's name
        self._pending = self._at_start()
        self._under_way, self._asked_with = False, 0
        self._wait, self._next = 0.0, 0.0

    def _at_start(self) -> list[str]:
        """The scopes in use; none where there was no attempt that anything could be newer than."""
        if self._ctx.journal.newest_send() is None or self._is_shared:
            return []
        kind = self._ctx.settings.api.scope.value
        named = (
            str(fields.scope_of({"unique_id": folder.fields.unique_id}, kind))
            for folder in self._ctx.settings.folders
            if "{" not in folder.fields.unique_id
        )
        return list(dict.fromkeys((*self._ctx.journal.recent_scopes(ATTEMPTS), *named)))

    @property
    def _is_shared(self) -> bool:
        return self._ctx.journal.meta(FOREIGN_OK) is True

    @property
    def pending(self) -> bool:
        """Tell whether the first page of a scope in use was not read yet."""
        return bool(self._pending)

    @property
    def trouble(self) -> str:
        """Why nothing may be sent; ""."""
        count = sum(number for number, _ in self._newer.values())
        if not count:
            return ""
        name = next(iter(self._newer.values()))[1]
        return (
            f"memories.ai has {count} newer videos with names like ours ({name} is one) that this "
            "journal does not know: it is an older copy, or another machine uploads to this "
            "account. Nothing is sent, so that nothing is paid twice. Stop ingestd, then: ingestd "
            "recover. "
            "If others upload there too: ingestd resume --foreign-ok"
        )

    def tick(self) -> float | None:
        """Ask for the next first page; say when to come again (monotonic)."""
        if not self._pending or self._under_way or self._ctx.stopping:
            return None
        mono = self._ctx.now.mono
        rests = max(self._asking.rests_until() or 0.0, self._next)
        if rests > mono:
            return rests
        self._under_way, self._asked_with = True, self._asking.keys
        far, text = self._ctx.far, self._pending[0]
        scope = Scope.parse(text)

        def job() -> FirstPage:
            page = far.list_videos(scope, page=1, size=jobs.PAGE)
            if isinstance(page, Failed):
                return FirstPage(text, (), page.trouble)
            return FirstPage(text, page.videos)

        broke = FirstPage(text, (), Trouble(Refusal.GARBLED, "the first page broke"))
        self._ctx.workers.submit(LANE, job, broke)
        return None

    def read(self, message: FirstPage) -> None:
        """Take in a first page."""
        self._under_way = False
        if self._asked_with != self._asking.keys:
            return  # asked anew
        if message.trouble is not None:
            self._asking.failed(message.trouble, [])
            self._wait = min(AGAIN_MOST_S, max(AGAIN_S, self._wait * 2))
            self._next = self._ctx.now.mono + self._wait
            return
        self._asking.answered()
        self._wait = 0.0
        self.judge(message.scope, message.videos)

    def is_judged(self, scope: str) -> bool:
        """Tell whether a scope's first page was read since the start."""
        return (self._ctx.journal.account, scope) in self._judged

    def are_in(self, scope: str) -> bool:
        """Tell whether a scope is known to hold videos of ours that the journal does not know."""
        return scope in self._scopes()

    def _scopes(self) -> list[str]:
        kept = self._ctx.journal.meta(SCOPES, [])
        return [str(one) for one in kept] if isinstance(kept, list) else []

    def judge(self, scope: str, videos: tuple[Video, ...]) -> None:
        """Weigh the newest videos of a scope."""
        self._judged.add((self._ctx.journal.account, scope))
        if scope in self._pending:
            self._pending.remove(scope)
        strangers = [video for video in videos if self._is_stranger(video)]
        if strangers and not self.are_in(scope):
            self._ctx.journal.set_meta(SCOPES, [*self._scopes(), scope])
        since = self._newest_of_ours(scope, videos)
        if since is None or self._is_shared:
            return
        newer = [one for one in strangers if one.create_time is None or one.create_time > since]
        if newer:
            self._newer[scope] = (len(newer), newer[0].name or newer[0].video_no)

    def _is_stranger(self, video: Video) -> bool:
        """Our token's shape in its name, and no row and no attempt of ours that explains it."""
        name = unquote(video.name or "")
        if token_of(name) is None or self._ctx.journal.knows_video(video.video_no):
            return False
        rows = self._ctx.journal.find(name)
        return not any(row.stat and video.size in (None, row.stat.size) for row in rows)

    def _newest_of_ours(self, scope: str, videos: tuple[Video, ...]) -> float | None:
        """How new our newest attempt is, by the far side's clock where that is known."""
        send = self._ctx.journal.newest_send()
        if send is None:
            return None
        here = send.scope == scope and send.watermark is not None
        known = (
            video.create_time
            for video in videos
            if video.create_time is not None and self._ctx.journal.knows_video(video.video_no)
        )
        return max(((send.watermark or 0.0) if here else send.at, *known))

    def accept(self) -> None:
        """A person said that others upload to this account too; that is remembered."""
        self._ctx.journal.set_meta(FOREIGN_OK, value=True)
        self._newer.clear()
        self._pending.clear()
