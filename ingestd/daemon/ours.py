"""How our uploads are recognised at the far side, and what was learnt about that (rules R2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd import evidence
from ingestd.naming import stem_of, token_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.daemon.context import Context
    from ingestd.journal import Journal

#: Meta key: does the far side show our names? True, False, or absent: not seen yet.
NAMES_SHOWN = "names_shown"
#: Meta key: the scopes in whose list one of our own uploads was seen.
SCOPES_SEEN = "scopes_seen"


def linked_elsewhere(journal: Journal, item_id: int, numbers: Iterable[str]) -> frozenset[str]:
    """Which of these videos belong to other rows: they prove nothing for this one (rules R2)."""
    owners = {number: journal.by_video_no(number) for number in numbers}
    return frozenset(
        number for number, owner in owners.items() if owner is not None and owner.id != item_id
    )


def learn_name(ctx: Context, upload_name: str, stored: str | None) -> None:
    """One of our uploads is stored under this name: is it ours, or a hash?"""
    if stored is None:
        return
    shown = evidence.shows(stored, sought_as(upload_name, 0))
    if ctx.journal.meta(NAMES_SHOWN) is not shown:
        ctx.journal.set_meta(NAMES_SHOWN, shown)


def names_are_shown(ctx: Context) -> bool:
    """Tell whether the far side is known to show our names."""
    return ctx.journal.meta(NAMES_SHOWN) is True


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
