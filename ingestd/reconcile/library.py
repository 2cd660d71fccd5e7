"""The far side's library, read whole and politely: page after page, scope after scope."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ingestd import fields
from ingestd.errors import IngestdError
from ingestd.model import Scope
from ingestd.remote.contract import Failed, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingestd.config import Settings
    from ingestd.model import Video
    from ingestd.remote.contract import FarSide, Page

#: Rows of one page, the documented most (contract 3.1).
PAGE: Final = 200
#: A page that could not be read is asked for so often, with growing pauses, seconds.
TRIES, PAUSE_S, PAUSE_MOST_S = 6, 1.0, 30.0
#: Troubles that another try does not mend.
_FINAL: Final = frozenset({Refusal.AUTH, Refusal.DISABLED, Refusal.CREDITS})


class LibraryError(IngestdError):
    """The list of videos could not be read to its end: nothing is concluded from it."""


def scopes_in_use(settings: Settings, known: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes to be read: those of the configuration that are no templates, and known ones."""
    kind = settings.api.scope.value
    named = (
        fields.scope_of({"unique_id": folder.fields.unique_id}, kind)
        for folder in settings.folders
        if "{" not in folder.fields.unique_id
    )
    texts = dict.fromkeys([*map(str, named), *(text for text in known if text)])
    return tuple(Scope.parse(text) for text in texts)


def walk(
    far: FarSide, scope: Scope, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Video]:
    """Every video of a scope, newest first, each once.

    Raises:
        LibraryError: a page could not be read.
    """
    seen: set[str] = set()
    rows = number = 0
    while True:
        number += 1
        page = _page(far, scope, number, sleep)
        for video in page.videos:
            if video.video_no not in seen:  # an upload meanwhile moves rows to the next page
                seen.add(video.video_no)
                yield video
        rows += page.rows
        if not page.rows or (page.total is not None and rows >= page.total):
            return


def _page(far: FarSide, scope: Scope, number: int, sleep: Callable[[float], None]) -> Page:
    pause = PAUSE_S
    page = far.list_videos(scope, page=number, size=PAGE)
    for _ in range(1, TRIES):
        if not isinstance(page, Failed) or page.trouble.kind in _FINAL:
            break
        sleep(max(pause, page.trouble.retry_after or 0.0))
        pause = min(pause * 2, PAUSE_MOST_S)
        page = far.list_videos(scope, page=number, size=PAGE)
    if isinstance(page, Failed):
        raise LibraryError(
            f"The list of videos of {scope} could not be read ({page.trouble.text.rstrip('.')}): "
            "nothing was concluded and nothing changed. Try again later."
        )
    return page
